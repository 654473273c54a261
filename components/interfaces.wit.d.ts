// What a function may import by the name of a WIT interface. This file is made from the WIT of Skerry's capabilities and
// of the functions beside it by `deno task types`; deno.json names it under "compilerOptions", "types".
// Where it says `undefined`, a guest on QuickJS is given `null`, and may give either.

declare module 'example:stopwatch/stopwatch@0.1.0' {
  /**
   * The id of the request that is running.
   */
  export function requestId(): string;
  /**
   * The laps that this request has filed, in order: `reading: 1.20 ms`.
   */
  export function report(): Array<string>;
  
  export class Lap implements Disposable {
    constructor(label: string)
    /**
    * Ends the lap and files it. Milliseconds.
    */
    stop(): number;
    [Symbol.dispose](): void;
  }
}

declare module 'fermyon:spin/key-value@2.0.0' {
  export type Error = ErrorStoreTableFull | ErrorNoSuchStore | ErrorAccessDenied | ErrorOther;
  /**
   * Too many stores are open.
   */
  export interface ErrorStoreTableFull {
    tag: 'store-table-full',
  }
  export interface ErrorNoSuchStore {
    tag: 'no-such-store',
  }
  export interface ErrorAccessDenied {
    tag: 'access-denied',
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
  
  export class Store implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static open(label: string): Store;
    get(key: string): Uint8Array | undefined;
    set(key: string, value: Uint8Array): void;
    'delete'(key: string): void;
    exists(key: string): boolean;
    getKeys(): Array<string>;
    [Symbol.dispose](): void;
  }
}

declare module 'fermyon:spin/sqlite@2.0.0' {
  export type Error = ErrorNoSuchDatabase | ErrorAccessDenied | ErrorInvalidConnection | ErrorDatabaseFull | ErrorIo;
  /**
   * No database has this name.
   */
  export interface ErrorNoSuchDatabase {
    tag: 'no-such-database',
  }
  /**
   * The function was not granted this database.
   */
  export interface ErrorAccessDenied {
    tag: 'access-denied',
  }
  /**
   * The connection is not, or no longer, open.
   */
  export interface ErrorInvalidConnection {
    tag: 'invalid-connection',
  }
  /**
   * The database has reached its greatest size.
   */
  export interface ErrorDatabaseFull {
    tag: 'database-full',
  }
  /**
   * Anything else: what SQLite says, or which limit was met.
   */
  export interface ErrorIo {
    tag: 'io',
    val: string,
  }
  export type Value = ValueInteger | ValueReal | ValueText | ValueBlob | ValueNull;
  export interface ValueInteger {
    tag: 'integer',
    val: bigint,
  }
  export interface ValueReal {
    tag: 'real',
    val: number,
  }
  export interface ValueText {
    tag: 'text',
    val: string,
  }
  export interface ValueBlob {
    tag: 'blob',
    val: Uint8Array,
  }
  export interface ValueNull {
    tag: 'null',
  }
  /**
   * The values of one row, in the order of the columns.
   */
  export interface RowResult {
    values: Array<Value>,
  }
  export interface QueryResult {
    columns: Array<string>,
    rows: Array<RowResult>,
  }
  
  export class Connection implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Opens a database by name; the first one is `default`.
    */
    static open(database: string): Connection;
    /**
    * Runs one statement, and gives what it returned.
    */
    execute(statement: string, parameters: Array<Value>): QueryResult;
    [Symbol.dispose](): void;
  }
}

declare module 'fermyon:spin/variables@2.0.0' {
  /**
   * The value of `name`.
   */
  export function get(name: string): string;
  export type Error = ErrorInvalidName | ErrorUndefined | ErrorProvider | ErrorOther;
  /**
   * No variable could have this name.
   */
  export interface ErrorInvalidName {
    tag: 'invalid-name',
    val: string,
  }
  /**
   * There is no such variable.
   */
  export interface ErrorUndefined {
    tag: 'undefined',
    val: string,
  }
  /**
   * The source of the values failed.
   */
  export interface ErrorProvider {
    tag: 'provider',
    val: string,
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
}

declare module 'spin:key-value/key-value@3.0.0' {
  export type Error = ErrorStoreTableFull | ErrorNoSuchStore | ErrorAccessDenied | ErrorOther;
  /**
   * Too many stores are open.
   */
  export interface ErrorStoreTableFull {
    tag: 'store-table-full',
  }
  /**
   * There is no such store.
   */
  export interface ErrorNoSuchStore {
    tag: 'no-such-store',
  }
  /**
   * The store was not granted.
   */
  export interface ErrorAccessDenied {
    tag: 'access-denied',
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Store implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Opens a store that the manifest grants.
    */
    static open(label: string): Promise<Store>;
    /**
    * The value of a key; none if there is none.
    */
    get(key: string): Promise<Uint8Array | undefined>;
    /**
    * Sets the value of a key.
    */
    set(key: string, value: Uint8Array): Promise<void>;
    /**
    * Deletes a key, if it is there.
    */
    'delete'(key: string): Promise<void>;
    /**
    * Whether a key has a value.
    */
    exists(key: string): Promise<boolean>;
    /**
    * All keys, and after the last one whether they were all.
    */
    getKeys(): Promise<[AsyncIterable<string>, PromiseLike<Result<void, Error>>]>;
    [Symbol.dispose](): void;
  }
}

declare module 'spin:sqlite/sqlite@3.1.0' {
  export type Error = ErrorNoSuchDatabase | ErrorAccessDenied | ErrorInvalidConnection | ErrorDatabaseFull | ErrorIo;
  /**
   * No database has this name.
   */
  export interface ErrorNoSuchDatabase {
    tag: 'no-such-database',
  }
  /**
   * The function was not granted this database.
   */
  export interface ErrorAccessDenied {
    tag: 'access-denied',
  }
  /**
   * The connection is not, or no longer, open.
   */
  export interface ErrorInvalidConnection {
    tag: 'invalid-connection',
  }
  /**
   * The database has reached its greatest size.
   */
  export interface ErrorDatabaseFull {
    tag: 'database-full',
  }
  /**
   * Anything else: what SQLite says, or which limit was met.
   */
  export interface ErrorIo {
    tag: 'io',
    val: string,
  }
  export type Value = ValueInteger | ValueReal | ValueText | ValueBlob | ValueNull;
  export interface ValueInteger {
    tag: 'integer',
    val: bigint,
  }
  export interface ValueReal {
    tag: 'real',
    val: number,
  }
  export interface ValueText {
    tag: 'text',
    val: string,
  }
  export interface ValueBlob {
    tag: 'blob',
    val: Uint8Array,
  }
  export interface ValueNull {
    tag: 'null',
  }
  /**
   * The values of one row, in the order of the columns.
   */
  export interface RowResult {
    values: Array<Value>,
  }
  export interface QueryResult {
    columns: Array<string>,
    rows: Array<RowResult>,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Connection implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Opens a database by name; the first one is `default`.
    */
    static open(database: string): Connection;
    static openAsync(database: string): Promise<Connection>;
    /**
    * Runs one statement, and gives what it returned.
    */
    execute(statement: string, parameters: Array<Value>): QueryResult;
    /**
    * Runs one statement. Its columns, its rows, and when those have ended, whether they are all.
    */
    executeAsync(statement: string, parameters: Array<Value>): Promise<[Array<string>, AsyncIterable<RowResult>, PromiseLike<Result<void, Error>>]>;
    /**
    * The rowid of the last row that this connection inserted; 0 before there is one.
    */
    lastInsertRowid(): bigint;
    lastInsertRowidAsync(): Promise<bigint>;
    /**
    * How many rows the last INSERT, UPDATE or DELETE of this connection changed.
    */
    changes(): bigint;
    changesAsync(): Promise<bigint>;
    [Symbol.dispose](): void;
  }
}

declare module 'spin:variables/variables@3.0.0' {
  /**
   * The value of `name`.
   */
  export function get(name: string): Promise<string>;
  export type Error = ErrorInvalidName | ErrorUndefined | ErrorProvider | ErrorOther;
  /**
   * No variable could have this name.
   */
  export interface ErrorInvalidName {
    tag: 'invalid-name',
    val: string,
  }
  /**
   * There is no such variable.
   */
  export interface ErrorUndefined {
    tag: 'undefined',
    val: string,
  }
  /**
   * The source of the values failed.
   */
  export interface ErrorProvider {
    tag: 'provider',
    val: string,
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
}

declare module 'wasi:blobstore/blobstore@0.2.0-draft' {
  export function createContainer(name: ContainerName): Container;
  export function getContainer(name: ContainerName): Container;
  /**
   * Deletes a container and all that is in it.
   */
  export function deleteContainer(name: ContainerName): void;
  export function containerExists(name: ContainerName): boolean;
  /**
   * Copies an object; one that is at `dest` is replaced.
   */
  export function copyObject(src: ObjectId, dest: ObjectId): void;
  /**
   * The same, and `src` is no longer there.
   */
  export function moveObject(src: ObjectId, dest: ObjectId): void;
  export type Container = import('wasi:blobstore/container@0.2.0-draft').Container;
  export type Error = import('wasi:blobstore/types@0.2.0-draft').Error;
  export type ContainerName = import('wasi:blobstore/types@0.2.0-draft').ContainerName;
  export type ObjectId = import('wasi:blobstore/types@0.2.0-draft').ObjectId;
}

declare module 'wasi:blobstore/container@0.2.0-draft' {
  export type InputStream = import('wasi:io/streams@0.2.10').InputStream;
  export type OutputStream = import('wasi:io/streams@0.2.10').OutputStream;
  export type ContainerMetadata = import('wasi:blobstore/types@0.2.0-draft').ContainerMetadata;
  export type Error = import('wasi:blobstore/types@0.2.0-draft').Error;
  export type IncomingValue = import('wasi:blobstore/types@0.2.0-draft').IncomingValue;
  export type ObjectMetadata = import('wasi:blobstore/types@0.2.0-draft').ObjectMetadata;
  export type ObjectName = import('wasi:blobstore/types@0.2.0-draft').ObjectName;
  export type OutgoingValue = import('wasi:blobstore/types@0.2.0-draft').OutgoingValue;
  
  export class Container implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    name(): string;
    info(): ContainerMetadata;
    /**
    * The bytes from `start` to `end`, both included; those of them that there are.
    */
    getData(name: ObjectName, start: bigint, end: bigint): IncomingValue;
    /**
    * Names the object that `data` becomes when it is finished. One that is there is replaced.
    */
    writeData(name: ObjectName, data: OutgoingValue): void;
    /**
    * The names of the objects, in no order.
    */
    listObjects(): StreamObjectNames;
    /**
    * It is no error if there is none.
    */
    deleteObject(name: ObjectName): void;
    deleteObjects(names: Array<ObjectName>): void;
    hasObject(name: ObjectName): boolean;
    objectInfo(name: ObjectName): ObjectMetadata;
    /**
    * Deletes all objects.
    */
    clear(): void;
    [Symbol.dispose](): void;
  }
  
  export class StreamObjectNames implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * At most `len` more names, and whether there are no others.
    */
    readStreamObjectNames(len: bigint): [Array<ObjectName>, boolean];
    /**
    * Passes over so many names. How many there were, and whether there are no others.
    */
    skipStreamObjectNames(num: bigint): [bigint, boolean];
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:blobstore/types@0.2.0-draft' {
  export type InputStream = import('wasi:io/streams@0.2.10').InputStream;
  export type OutputStream = import('wasi:io/streams@0.2.10').OutputStream;
  /**
   * A container, which holds objects, is found by its name.
   */
  export type ContainerName = string;
  /**
   * Any name: it is no path, and a slash in it is a character like another.
   */
  export type ObjectName = string;
  /**
   * Seconds since the beginning of 1970.
   */
  export type Timestamp = bigint;
  /**
   * In bytes.
   */
  export type ObjectSize = bigint;
  /**
   * What went wrong, in words.
   */
  export type Error = string;
  export interface ContainerMetadata {
    name: ContainerName,
    createdAt: Timestamp,
  }
  export interface ObjectMetadata {
    name: ObjectName,
    container: ContainerName,
    createdAt: Timestamp,
    size: ObjectSize,
  }
  export interface ObjectId {
    container: ContainerName,
    object: ObjectName,
  }
  export type IncomingValueAsyncBody = InputStream;
  export type IncomingValueSyncBody = Uint8Array;
  
  export class IncomingValue implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * All of it at once.
    */
    static incomingValueConsumeSync(this_: IncomingValue): IncomingValueSyncBody;
    /**
    * As a stream.
    */
    static incomingValueConsumeAsync(this_: IncomingValue): IncomingValueAsyncBody;
    size(): bigint;
    [Symbol.dispose](): void;
  }
  
  export class OutgoingValue implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static newOutgoingValue(): OutgoingValue;
    /**
    * The stream to write to, once. It has to be dropped before the value is finished.
    */
    outgoingValueWriteBody(): OutputStream;
    /**
    * Makes the value the object that `write-data` named.
    */
    static finish(this_: OutgoingValue): void;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:cli/environment@0.3.0' {
  export function getEnvironment(): Array<[string, string]>;
  export function getArguments(): Array<string>;
  export function getInitialCwd(): string | undefined;
}

declare module 'wasi:cli/exit@0.3.0' {
  export function exit(status: Result<void, void>): void;
  export function exitWithCode(statusCode: number): void;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}

declare module 'wasi:cli/stderr@0.3.0' {
  export function writeViaStream(data: AsyncIterable<Uint8Array>): PromiseLike<Result<void, ErrorCode>>;
  export type ErrorCode = import('wasi:cli/types@0.3.0').ErrorCode;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}

declare module 'wasi:cli/stdin@0.3.0' {
  export function readViaStream(): [AsyncIterable<Uint8Array>, PromiseLike<Result<void, ErrorCode>>];
  export type ErrorCode = import('wasi:cli/types@0.3.0').ErrorCode;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}

declare module 'wasi:cli/stdout@0.3.0' {
  export function writeViaStream(data: AsyncIterable<Uint8Array>): PromiseLike<Result<void, ErrorCode>>;
  export type ErrorCode = import('wasi:cli/types@0.3.0').ErrorCode;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
}

declare module 'wasi:cli/terminal-input@0.3.0' {
  
  export class TerminalInput implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:cli/terminal-output@0.3.0' {
  
  export class TerminalOutput implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:cli/terminal-stderr@0.3.0' {
  export function getTerminalStderr(): TerminalOutput | undefined;
  export type TerminalOutput = import('wasi:cli/terminal-output@0.3.0').TerminalOutput;
}

declare module 'wasi:cli/terminal-stdin@0.3.0' {
  export function getTerminalStdin(): TerminalInput | undefined;
  export type TerminalInput = import('wasi:cli/terminal-input@0.3.0').TerminalInput;
}

declare module 'wasi:cli/terminal-stdout@0.3.0' {
  export function getTerminalStdout(): TerminalOutput | undefined;
  export type TerminalOutput = import('wasi:cli/terminal-output@0.3.0').TerminalOutput;
}

declare module 'wasi:cli/types@0.3.0' {
  /**
   * # Variants
   * 
   * ## `"io"`
   * 
   * ## `"illegal-byte-sequence"`
   * 
   * ## `"pipe"`
   */
  export type ErrorCode = 'io' | 'illegal-byte-sequence' | 'pipe';
}

declare module 'wasi:clocks/monotonic-clock@0.2.10' {
  export function now(): Instant;
  export function resolution(): Duration;
  export function subscribeInstant(when: Instant): Pollable;
  export function subscribeDuration(when: Duration): Pollable;
  export type Pollable = import('wasi:io/poll@0.2.10').Pollable;
  export type Instant = bigint;
  export type Duration = bigint;
}

declare module 'wasi:clocks/monotonic-clock@0.3.0' {
  export function now(): Mark;
  export function getResolution(): Duration;
  export function waitUntil(when: Mark): Promise<void>;
  export function waitFor(howLong: Duration): Promise<void>;
  export type Duration = import('wasi:clocks/types@0.3.0').Duration;
  export type Mark = bigint;
}

declare module 'wasi:clocks/system-clock@0.3.0' {
  export function now(): Instant;
  export function getResolution(): Duration;
  export type Duration = import('wasi:clocks/types@0.3.0').Duration;
  export interface Instant {
    seconds: bigint,
    nanoseconds: number,
  }
}

declare module 'wasi:clocks/types@0.3.0' {
  export type Duration = bigint;
}

declare module 'wasi:config/store@0.2.0-rc.1' {
  /**
   * The value of `key`, or none.
   */
  export function get(key: string): string | undefined;
  /**
   * All keys and values.
   */
  export function getAll(): Array<[string, string]>;
  export type Error = ErrorUpstream | ErrorIo;
  /**
   * The source of the values failed.
   */
  export interface ErrorUpstream {
    tag: 'upstream',
    val: string,
  }
  /**
   * Reading them failed.
   */
  export interface ErrorIo {
    tag: 'io',
    val: string,
  }
}

declare module 'wasi:filesystem/preopens@0.3.0' {
  export function getDirectories(): Array<[Descriptor, string]>;
  export type Descriptor = import('wasi:filesystem/types@0.3.0').Descriptor;
}

declare module 'wasi:filesystem/types@0.3.0' {
  export type Instant = import('wasi:clocks/system-clock@0.3.0').Instant;
  export type Filesize = bigint;
  export type DescriptorType = DescriptorTypeBlockDevice | DescriptorTypeCharacterDevice | DescriptorTypeDirectory | DescriptorTypeFifo | DescriptorTypeSymbolicLink | DescriptorTypeRegularFile | DescriptorTypeSocket | DescriptorTypeOther;
  export interface DescriptorTypeBlockDevice {
    tag: 'block-device',
  }
  export interface DescriptorTypeCharacterDevice {
    tag: 'character-device',
  }
  export interface DescriptorTypeDirectory {
    tag: 'directory',
  }
  export interface DescriptorTypeFifo {
    tag: 'fifo',
  }
  export interface DescriptorTypeSymbolicLink {
    tag: 'symbolic-link',
  }
  export interface DescriptorTypeRegularFile {
    tag: 'regular-file',
  }
  export interface DescriptorTypeSocket {
    tag: 'socket',
  }
  export interface DescriptorTypeOther {
    tag: 'other',
    val: string | undefined,
  }
  export interface DescriptorFlags {
    read?: boolean,
    write?: boolean,
    fileIntegritySync?: boolean,
    dataIntegritySync?: boolean,
    requestedWriteSync?: boolean,
    mutateDirectory?: boolean,
  }
  export interface PathFlags {
    symlinkFollow?: boolean,
  }
  export interface OpenFlags {
    create?: boolean,
    directory?: boolean,
    exclusive?: boolean,
    truncate?: boolean,
  }
  export type LinkCount = bigint;
  export interface DescriptorStat {
    type: DescriptorType,
    linkCount: LinkCount,
    size: Filesize,
    dataAccessTimestamp?: Instant,
    dataModificationTimestamp?: Instant,
    statusChangeTimestamp?: Instant,
  }
  export type NewTimestamp = NewTimestampNoChange | NewTimestampNow | NewTimestampTimestamp;
  export interface NewTimestampNoChange {
    tag: 'no-change',
  }
  export interface NewTimestampNow {
    tag: 'now',
  }
  export interface NewTimestampTimestamp {
    tag: 'timestamp',
    val: Instant,
  }
  export interface DirectoryEntry {
    type: DescriptorType,
    name: string,
  }
  export type ErrorCode = ErrorCodeAccess | ErrorCodeAlready | ErrorCodeBadDescriptor | ErrorCodeBusy | ErrorCodeDeadlock | ErrorCodeQuota | ErrorCodeExist | ErrorCodeFileTooLarge | ErrorCodeIllegalByteSequence | ErrorCodeInProgress | ErrorCodeInterrupted | ErrorCodeInvalid | ErrorCodeIo | ErrorCodeIsDirectory | ErrorCodeLoop | ErrorCodeTooManyLinks | ErrorCodeMessageSize | ErrorCodeNameTooLong | ErrorCodeNoDevice | ErrorCodeNoEntry | ErrorCodeNoLock | ErrorCodeInsufficientMemory | ErrorCodeInsufficientSpace | ErrorCodeNotDirectory | ErrorCodeNotEmpty | ErrorCodeNotRecoverable | ErrorCodeUnsupported | ErrorCodeNoTty | ErrorCodeNoSuchDevice | ErrorCodeOverflow | ErrorCodeNotPermitted | ErrorCodePipe | ErrorCodeReadOnly | ErrorCodeInvalidSeek | ErrorCodeTextFileBusy | ErrorCodeCrossDevice | ErrorCodeOther;
  export interface ErrorCodeAccess {
    tag: 'access',
  }
  export interface ErrorCodeAlready {
    tag: 'already',
  }
  export interface ErrorCodeBadDescriptor {
    tag: 'bad-descriptor',
  }
  export interface ErrorCodeBusy {
    tag: 'busy',
  }
  export interface ErrorCodeDeadlock {
    tag: 'deadlock',
  }
  export interface ErrorCodeQuota {
    tag: 'quota',
  }
  export interface ErrorCodeExist {
    tag: 'exist',
  }
  export interface ErrorCodeFileTooLarge {
    tag: 'file-too-large',
  }
  export interface ErrorCodeIllegalByteSequence {
    tag: 'illegal-byte-sequence',
  }
  export interface ErrorCodeInProgress {
    tag: 'in-progress',
  }
  export interface ErrorCodeInterrupted {
    tag: 'interrupted',
  }
  export interface ErrorCodeInvalid {
    tag: 'invalid',
  }
  export interface ErrorCodeIo {
    tag: 'io',
  }
  export interface ErrorCodeIsDirectory {
    tag: 'is-directory',
  }
  export interface ErrorCodeLoop {
    tag: 'loop',
  }
  export interface ErrorCodeTooManyLinks {
    tag: 'too-many-links',
  }
  export interface ErrorCodeMessageSize {
    tag: 'message-size',
  }
  export interface ErrorCodeNameTooLong {
    tag: 'name-too-long',
  }
  export interface ErrorCodeNoDevice {
    tag: 'no-device',
  }
  export interface ErrorCodeNoEntry {
    tag: 'no-entry',
  }
  export interface ErrorCodeNoLock {
    tag: 'no-lock',
  }
  export interface ErrorCodeInsufficientMemory {
    tag: 'insufficient-memory',
  }
  export interface ErrorCodeInsufficientSpace {
    tag: 'insufficient-space',
  }
  export interface ErrorCodeNotDirectory {
    tag: 'not-directory',
  }
  export interface ErrorCodeNotEmpty {
    tag: 'not-empty',
  }
  export interface ErrorCodeNotRecoverable {
    tag: 'not-recoverable',
  }
  export interface ErrorCodeUnsupported {
    tag: 'unsupported',
  }
  export interface ErrorCodeNoTty {
    tag: 'no-tty',
  }
  export interface ErrorCodeNoSuchDevice {
    tag: 'no-such-device',
  }
  export interface ErrorCodeOverflow {
    tag: 'overflow',
  }
  export interface ErrorCodeNotPermitted {
    tag: 'not-permitted',
  }
  export interface ErrorCodePipe {
    tag: 'pipe',
  }
  export interface ErrorCodeReadOnly {
    tag: 'read-only',
  }
  export interface ErrorCodeInvalidSeek {
    tag: 'invalid-seek',
  }
  export interface ErrorCodeTextFileBusy {
    tag: 'text-file-busy',
  }
  export interface ErrorCodeCrossDevice {
    tag: 'cross-device',
  }
  export interface ErrorCodeOther {
    tag: 'other',
    val: string | undefined,
  }
  /**
   * # Variants
   * 
   * ## `"normal"`
   * 
   * ## `"sequential"`
   * 
   * ## `"random"`
   * 
   * ## `"will-need"`
   * 
   * ## `"dont-need"`
   * 
   * ## `"no-reuse"`
   */
  export type Advice = 'normal' | 'sequential' | 'random' | 'will-need' | 'dont-need' | 'no-reuse';
  export interface MetadataHashValue {
    lower: bigint,
    upper: bigint,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Descriptor implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    readViaStream(offset: Filesize): [AsyncIterable<Uint8Array>, PromiseLike<Result<void, ErrorCode>>];
    writeViaStream(data: AsyncIterable<Uint8Array>, offset: Filesize): PromiseLike<Result<void, ErrorCode>>;
    appendViaStream(data: AsyncIterable<Uint8Array>): PromiseLike<Result<void, ErrorCode>>;
    advise(offset: Filesize, length: Filesize, advice: Advice): Promise<void>;
    syncData(): Promise<void>;
    getFlags(): Promise<DescriptorFlags>;
    getType(): Promise<DescriptorType>;
    setSize(size: Filesize): Promise<void>;
    setTimes(dataAccessTimestamp: NewTimestamp, dataModificationTimestamp: NewTimestamp): Promise<void>;
    readDirectory(): [AsyncIterable<DirectoryEntry>, PromiseLike<Result<void, ErrorCode>>];
    sync(): Promise<void>;
    createDirectoryAt(path: string): Promise<void>;
    stat(): Promise<DescriptorStat>;
    statAt(pathFlags: PathFlags, path: string): Promise<DescriptorStat>;
    setTimesAt(pathFlags: PathFlags, path: string, dataAccessTimestamp: NewTimestamp, dataModificationTimestamp: NewTimestamp): Promise<void>;
    linkAt(oldPathFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): Promise<void>;
    openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Promise<Descriptor>;
    readlinkAt(path: string): Promise<string>;
    removeDirectoryAt(path: string): Promise<void>;
    renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): Promise<void>;
    symlinkAt(oldPath: string, newPath: string): Promise<void>;
    unlinkFileAt(path: string): Promise<void>;
    isSameObject(other: Descriptor): Promise<boolean>;
    metadataHash(): Promise<MetadataHashValue>;
    metadataHashAt(pathFlags: PathFlags, path: string): Promise<MetadataHashValue>;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:http/client@0.3.0' {
  export function send(request: Request): Promise<Response>;
  export type Request = import('wasi:http/types@0.3.0').Request;
  export type Response = import('wasi:http/types@0.3.0').Response;
  export type ErrorCode = import('wasi:http/types@0.3.0').ErrorCode;
}

declare module 'wasi:http/handler@0.3.0' {
  export function handle(request: Request): Promise<Response>;
  export type Request = import('wasi:http/types@0.3.0').Request;
  export type Response = import('wasi:http/types@0.3.0').Response;
  export type ErrorCode = import('wasi:http/types@0.3.0').ErrorCode;
}

declare module 'wasi:http/incoming-handler@0.2.10' {
  export function handle(request: IncomingRequest, responseOut: ResponseOutparam): void;
  export type IncomingRequest = import('wasi:http/types@0.2.10').IncomingRequest;
  export type ResponseOutparam = import('wasi:http/types@0.2.10').ResponseOutparam;
}

declare module 'wasi:http/outgoing-handler@0.2.10' {
  export function handle(request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse;
  export type OutgoingRequest = import('wasi:http/types@0.2.10').OutgoingRequest;
  export type RequestOptions = import('wasi:http/types@0.2.10').RequestOptions;
  export type FutureIncomingResponse = import('wasi:http/types@0.2.10').FutureIncomingResponse;
  export type ErrorCode = import('wasi:http/types@0.2.10').ErrorCode;
}

declare module 'wasi:http/types@0.2.10' {
  export function httpErrorCode(err: IoError): ErrorCode | undefined;
  export type Duration = import('wasi:clocks/monotonic-clock@0.2.10').Duration;
  export type InputStream = import('wasi:io/streams@0.2.10').InputStream;
  export type OutputStream = import('wasi:io/streams@0.2.10').OutputStream;
  export type IoError = import('wasi:io/error@0.2.10').Error;
  export type Pollable = import('wasi:io/poll@0.2.10').Pollable;
  export type Method = MethodGet | MethodHead | MethodPost | MethodPut | MethodDelete | MethodConnect | MethodOptions | MethodTrace | MethodPatch | MethodOther;
  export interface MethodGet {
    tag: 'get',
  }
  export interface MethodHead {
    tag: 'head',
  }
  export interface MethodPost {
    tag: 'post',
  }
  export interface MethodPut {
    tag: 'put',
  }
  export interface MethodDelete {
    tag: 'delete',
  }
  export interface MethodConnect {
    tag: 'connect',
  }
  export interface MethodOptions {
    tag: 'options',
  }
  export interface MethodTrace {
    tag: 'trace',
  }
  export interface MethodPatch {
    tag: 'patch',
  }
  export interface MethodOther {
    tag: 'other',
    val: string,
  }
  export type Scheme = SchemeHttp | SchemeHttps | SchemeOther;
  export interface SchemeHttp {
    tag: 'HTTP',
  }
  export interface SchemeHttps {
    tag: 'HTTPS',
  }
  export interface SchemeOther {
    tag: 'other',
    val: string,
  }
  export interface DnsErrorPayload {
    rcode?: string,
    infoCode?: number,
  }
  export interface TlsAlertReceivedPayload {
    alertId?: number,
    alertMessage?: string,
  }
  export interface FieldSizePayload {
    fieldName?: string,
    fieldSize?: number,
  }
  export type ErrorCode = ErrorCodeDnsTimeout | ErrorCodeDnsError | ErrorCodeDestinationNotFound | ErrorCodeDestinationUnavailable | ErrorCodeDestinationIpProhibited | ErrorCodeDestinationIpUnroutable | ErrorCodeConnectionRefused | ErrorCodeConnectionTerminated | ErrorCodeConnectionTimeout | ErrorCodeConnectionReadTimeout | ErrorCodeConnectionWriteTimeout | ErrorCodeConnectionLimitReached | ErrorCodeTlsProtocolError | ErrorCodeTlsCertificateError | ErrorCodeTlsAlertReceived | ErrorCodeHttpRequestDenied | ErrorCodeHttpRequestLengthRequired | ErrorCodeHttpRequestBodySize | ErrorCodeHttpRequestMethodInvalid | ErrorCodeHttpRequestUriInvalid | ErrorCodeHttpRequestUriTooLong | ErrorCodeHttpRequestHeaderSectionSize | ErrorCodeHttpRequestHeaderSize | ErrorCodeHttpRequestTrailerSectionSize | ErrorCodeHttpRequestTrailerSize | ErrorCodeHttpResponseIncomplete | ErrorCodeHttpResponseHeaderSectionSize | ErrorCodeHttpResponseHeaderSize | ErrorCodeHttpResponseBodySize | ErrorCodeHttpResponseTrailerSectionSize | ErrorCodeHttpResponseTrailerSize | ErrorCodeHttpResponseTransferCoding | ErrorCodeHttpResponseContentCoding | ErrorCodeHttpResponseTimeout | ErrorCodeHttpUpgradeFailed | ErrorCodeHttpProtocolError | ErrorCodeLoopDetected | ErrorCodeConfigurationError | ErrorCodeInternalError;
  export interface ErrorCodeDnsTimeout {
    tag: 'DNS-timeout',
  }
  export interface ErrorCodeDnsError {
    tag: 'DNS-error',
    val: DnsErrorPayload,
  }
  export interface ErrorCodeDestinationNotFound {
    tag: 'destination-not-found',
  }
  export interface ErrorCodeDestinationUnavailable {
    tag: 'destination-unavailable',
  }
  export interface ErrorCodeDestinationIpProhibited {
    tag: 'destination-IP-prohibited',
  }
  export interface ErrorCodeDestinationIpUnroutable {
    tag: 'destination-IP-unroutable',
  }
  export interface ErrorCodeConnectionRefused {
    tag: 'connection-refused',
  }
  export interface ErrorCodeConnectionTerminated {
    tag: 'connection-terminated',
  }
  export interface ErrorCodeConnectionTimeout {
    tag: 'connection-timeout',
  }
  export interface ErrorCodeConnectionReadTimeout {
    tag: 'connection-read-timeout',
  }
  export interface ErrorCodeConnectionWriteTimeout {
    tag: 'connection-write-timeout',
  }
  export interface ErrorCodeConnectionLimitReached {
    tag: 'connection-limit-reached',
  }
  export interface ErrorCodeTlsProtocolError {
    tag: 'TLS-protocol-error',
  }
  export interface ErrorCodeTlsCertificateError {
    tag: 'TLS-certificate-error',
  }
  export interface ErrorCodeTlsAlertReceived {
    tag: 'TLS-alert-received',
    val: TlsAlertReceivedPayload,
  }
  export interface ErrorCodeHttpRequestDenied {
    tag: 'HTTP-request-denied',
  }
  export interface ErrorCodeHttpRequestLengthRequired {
    tag: 'HTTP-request-length-required',
  }
  export interface ErrorCodeHttpRequestBodySize {
    tag: 'HTTP-request-body-size',
    val: bigint | undefined,
  }
  export interface ErrorCodeHttpRequestMethodInvalid {
    tag: 'HTTP-request-method-invalid',
  }
  export interface ErrorCodeHttpRequestUriInvalid {
    tag: 'HTTP-request-URI-invalid',
  }
  export interface ErrorCodeHttpRequestUriTooLong {
    tag: 'HTTP-request-URI-too-long',
  }
  export interface ErrorCodeHttpRequestHeaderSectionSize {
    tag: 'HTTP-request-header-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpRequestHeaderSize {
    tag: 'HTTP-request-header-size',
    val: FieldSizePayload | undefined,
  }
  export interface ErrorCodeHttpRequestTrailerSectionSize {
    tag: 'HTTP-request-trailer-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpRequestTrailerSize {
    tag: 'HTTP-request-trailer-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseIncomplete {
    tag: 'HTTP-response-incomplete',
  }
  export interface ErrorCodeHttpResponseHeaderSectionSize {
    tag: 'HTTP-response-header-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpResponseHeaderSize {
    tag: 'HTTP-response-header-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseBodySize {
    tag: 'HTTP-response-body-size',
    val: bigint | undefined,
  }
  export interface ErrorCodeHttpResponseTrailerSectionSize {
    tag: 'HTTP-response-trailer-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpResponseTrailerSize {
    tag: 'HTTP-response-trailer-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseTransferCoding {
    tag: 'HTTP-response-transfer-coding',
    val: string | undefined,
  }
  export interface ErrorCodeHttpResponseContentCoding {
    tag: 'HTTP-response-content-coding',
    val: string | undefined,
  }
  export interface ErrorCodeHttpResponseTimeout {
    tag: 'HTTP-response-timeout',
  }
  export interface ErrorCodeHttpUpgradeFailed {
    tag: 'HTTP-upgrade-failed',
  }
  export interface ErrorCodeHttpProtocolError {
    tag: 'HTTP-protocol-error',
  }
  export interface ErrorCodeLoopDetected {
    tag: 'loop-detected',
  }
  export interface ErrorCodeConfigurationError {
    tag: 'configuration-error',
  }
  export interface ErrorCodeInternalError {
    tag: 'internal-error',
    val: string | undefined,
  }
  export type HeaderError = HeaderErrorInvalidSyntax | HeaderErrorForbidden | HeaderErrorImmutable;
  export interface HeaderErrorInvalidSyntax {
    tag: 'invalid-syntax',
  }
  export interface HeaderErrorForbidden {
    tag: 'forbidden',
  }
  export interface HeaderErrorImmutable {
    tag: 'immutable',
  }
  export type FieldKey = string;
  export type FieldName = FieldKey;
  export type FieldValue = Uint8Array;
  export type Headers = Fields;
  export type Trailers = Fields;
  export type StatusCode = number;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Fields implements Disposable {
    constructor()
    static fromList(entries: Array<[FieldName, FieldValue]>): Fields;
    get(name: FieldName): Array<FieldValue>;
    has(name: FieldName): boolean;
    set(name: FieldName, value: Array<FieldValue>): void;
    'delete'(name: FieldName): void;
    append(name: FieldName, value: FieldValue): void;
    entries(): Array<[FieldName, FieldValue]>;
    clone(): Fields;
    [Symbol.dispose](): void;
  }
  
  export class FutureIncomingResponse implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    subscribe(): Pollable;
    get(): Result<Result<IncomingResponse, ErrorCode>, void> | undefined;
    [Symbol.dispose](): void;
  }
  
  export class FutureTrailers implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    subscribe(): Pollable;
    get(): Result<Result<Trailers | undefined, ErrorCode>, void> | undefined;
    [Symbol.dispose](): void;
  }
  
  export class IncomingBody implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    stream(): InputStream;
    static finish(this_: IncomingBody): FutureTrailers;
    [Symbol.dispose](): void;
  }
  
  export class IncomingRequest implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    method(): Method;
    pathWithQuery(): string | undefined;
    scheme(): Scheme | undefined;
    authority(): string | undefined;
    headers(): Headers;
    consume(): IncomingBody;
    [Symbol.dispose](): void;
  }
  
  export class IncomingResponse implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    status(): StatusCode;
    headers(): Headers;
    consume(): IncomingBody;
    [Symbol.dispose](): void;
  }
  
  export class OutgoingBody implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    write(): OutputStream;
    static finish(this_: OutgoingBody, trailers: Trailers | undefined): void;
    [Symbol.dispose](): void;
  }
  
  export class OutgoingRequest implements Disposable {
    constructor(headers: Headers)
    body(): OutgoingBody;
    method(): Method;
    setMethod(method: Method): void;
    pathWithQuery(): string | undefined;
    setPathWithQuery(pathWithQuery: string | undefined): void;
    scheme(): Scheme | undefined;
    setScheme(scheme: Scheme | undefined): void;
    authority(): string | undefined;
    setAuthority(authority: string | undefined): void;
    headers(): Headers;
    [Symbol.dispose](): void;
  }
  
  export class OutgoingResponse implements Disposable {
    constructor(headers: Headers)
    statusCode(): StatusCode;
    setStatusCode(statusCode: StatusCode): void;
    headers(): Headers;
    body(): OutgoingBody;
    [Symbol.dispose](): void;
  }
  
  export class RequestOptions implements Disposable {
    constructor()
    connectTimeout(): Duration | undefined;
    setConnectTimeout(duration: Duration | undefined): void;
    firstByteTimeout(): Duration | undefined;
    setFirstByteTimeout(duration: Duration | undefined): void;
    betweenBytesTimeout(): Duration | undefined;
    setBetweenBytesTimeout(duration: Duration | undefined): void;
    [Symbol.dispose](): void;
  }
  
  export class ResponseOutparam implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static set(param: ResponseOutparam, response: Result<OutgoingResponse, ErrorCode>): void;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:http/types@0.3.0' {
  export type Duration = import('wasi:clocks/types@0.3.0').Duration;
  export type Method = MethodGet | MethodHead | MethodPost | MethodPut | MethodDelete | MethodConnect | MethodOptions | MethodTrace | MethodPatch | MethodOther;
  export interface MethodGet {
    tag: 'get',
  }
  export interface MethodHead {
    tag: 'head',
  }
  export interface MethodPost {
    tag: 'post',
  }
  export interface MethodPut {
    tag: 'put',
  }
  export interface MethodDelete {
    tag: 'delete',
  }
  export interface MethodConnect {
    tag: 'connect',
  }
  export interface MethodOptions {
    tag: 'options',
  }
  export interface MethodTrace {
    tag: 'trace',
  }
  export interface MethodPatch {
    tag: 'patch',
  }
  export interface MethodOther {
    tag: 'other',
    val: string,
  }
  export type Scheme = SchemeHttp | SchemeHttps | SchemeOther;
  export interface SchemeHttp {
    tag: 'HTTP',
  }
  export interface SchemeHttps {
    tag: 'HTTPS',
  }
  export interface SchemeOther {
    tag: 'other',
    val: string,
  }
  export interface DnsErrorPayload {
    rcode?: string,
    infoCode?: number,
  }
  export interface TlsAlertReceivedPayload {
    alertId?: number,
    alertMessage?: string,
  }
  export interface FieldSizePayload {
    fieldName?: string,
    fieldSize?: number,
  }
  export type ErrorCode = ErrorCodeDnsTimeout | ErrorCodeDnsError | ErrorCodeDestinationNotFound | ErrorCodeDestinationUnavailable | ErrorCodeDestinationIpProhibited | ErrorCodeDestinationIpUnroutable | ErrorCodeConnectionRefused | ErrorCodeConnectionTerminated | ErrorCodeConnectionTimeout | ErrorCodeConnectionReadTimeout | ErrorCodeConnectionWriteTimeout | ErrorCodeConnectionLimitReached | ErrorCodeTlsProtocolError | ErrorCodeTlsCertificateError | ErrorCodeTlsAlertReceived | ErrorCodeHttpRequestDenied | ErrorCodeHttpRequestLengthRequired | ErrorCodeHttpRequestBodySize | ErrorCodeHttpRequestMethodInvalid | ErrorCodeHttpRequestUriInvalid | ErrorCodeHttpRequestUriTooLong | ErrorCodeHttpRequestHeaderSectionSize | ErrorCodeHttpRequestHeaderSize | ErrorCodeHttpRequestTrailerSectionSize | ErrorCodeHttpRequestTrailerSize | ErrorCodeHttpResponseIncomplete | ErrorCodeHttpResponseHeaderSectionSize | ErrorCodeHttpResponseHeaderSize | ErrorCodeHttpResponseBodySize | ErrorCodeHttpResponseTrailerSectionSize | ErrorCodeHttpResponseTrailerSize | ErrorCodeHttpResponseTransferCoding | ErrorCodeHttpResponseContentCoding | ErrorCodeHttpResponseTimeout | ErrorCodeHttpUpgradeFailed | ErrorCodeHttpProtocolError | ErrorCodeLoopDetected | ErrorCodeConfigurationError | ErrorCodeInternalError;
  export interface ErrorCodeDnsTimeout {
    tag: 'DNS-timeout',
  }
  export interface ErrorCodeDnsError {
    tag: 'DNS-error',
    val: DnsErrorPayload,
  }
  export interface ErrorCodeDestinationNotFound {
    tag: 'destination-not-found',
  }
  export interface ErrorCodeDestinationUnavailable {
    tag: 'destination-unavailable',
  }
  export interface ErrorCodeDestinationIpProhibited {
    tag: 'destination-IP-prohibited',
  }
  export interface ErrorCodeDestinationIpUnroutable {
    tag: 'destination-IP-unroutable',
  }
  export interface ErrorCodeConnectionRefused {
    tag: 'connection-refused',
  }
  export interface ErrorCodeConnectionTerminated {
    tag: 'connection-terminated',
  }
  export interface ErrorCodeConnectionTimeout {
    tag: 'connection-timeout',
  }
  export interface ErrorCodeConnectionReadTimeout {
    tag: 'connection-read-timeout',
  }
  export interface ErrorCodeConnectionWriteTimeout {
    tag: 'connection-write-timeout',
  }
  export interface ErrorCodeConnectionLimitReached {
    tag: 'connection-limit-reached',
  }
  export interface ErrorCodeTlsProtocolError {
    tag: 'TLS-protocol-error',
  }
  export interface ErrorCodeTlsCertificateError {
    tag: 'TLS-certificate-error',
  }
  export interface ErrorCodeTlsAlertReceived {
    tag: 'TLS-alert-received',
    val: TlsAlertReceivedPayload,
  }
  export interface ErrorCodeHttpRequestDenied {
    tag: 'HTTP-request-denied',
  }
  export interface ErrorCodeHttpRequestLengthRequired {
    tag: 'HTTP-request-length-required',
  }
  export interface ErrorCodeHttpRequestBodySize {
    tag: 'HTTP-request-body-size',
    val: bigint | undefined,
  }
  export interface ErrorCodeHttpRequestMethodInvalid {
    tag: 'HTTP-request-method-invalid',
  }
  export interface ErrorCodeHttpRequestUriInvalid {
    tag: 'HTTP-request-URI-invalid',
  }
  export interface ErrorCodeHttpRequestUriTooLong {
    tag: 'HTTP-request-URI-too-long',
  }
  export interface ErrorCodeHttpRequestHeaderSectionSize {
    tag: 'HTTP-request-header-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpRequestHeaderSize {
    tag: 'HTTP-request-header-size',
    val: FieldSizePayload | undefined,
  }
  export interface ErrorCodeHttpRequestTrailerSectionSize {
    tag: 'HTTP-request-trailer-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpRequestTrailerSize {
    tag: 'HTTP-request-trailer-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseIncomplete {
    tag: 'HTTP-response-incomplete',
  }
  export interface ErrorCodeHttpResponseHeaderSectionSize {
    tag: 'HTTP-response-header-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpResponseHeaderSize {
    tag: 'HTTP-response-header-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseBodySize {
    tag: 'HTTP-response-body-size',
    val: bigint | undefined,
  }
  export interface ErrorCodeHttpResponseTrailerSectionSize {
    tag: 'HTTP-response-trailer-section-size',
    val: number | undefined,
  }
  export interface ErrorCodeHttpResponseTrailerSize {
    tag: 'HTTP-response-trailer-size',
    val: FieldSizePayload,
  }
  export interface ErrorCodeHttpResponseTransferCoding {
    tag: 'HTTP-response-transfer-coding',
    val: string | undefined,
  }
  export interface ErrorCodeHttpResponseContentCoding {
    tag: 'HTTP-response-content-coding',
    val: string | undefined,
  }
  export interface ErrorCodeHttpResponseTimeout {
    tag: 'HTTP-response-timeout',
  }
  export interface ErrorCodeHttpUpgradeFailed {
    tag: 'HTTP-upgrade-failed',
  }
  export interface ErrorCodeHttpProtocolError {
    tag: 'HTTP-protocol-error',
  }
  export interface ErrorCodeLoopDetected {
    tag: 'loop-detected',
  }
  export interface ErrorCodeConfigurationError {
    tag: 'configuration-error',
  }
  export interface ErrorCodeInternalError {
    tag: 'internal-error',
    val: string | undefined,
  }
  export type HeaderError = HeaderErrorInvalidSyntax | HeaderErrorForbidden | HeaderErrorImmutable | HeaderErrorSizeExceeded | HeaderErrorOther;
  export interface HeaderErrorInvalidSyntax {
    tag: 'invalid-syntax',
  }
  export interface HeaderErrorForbidden {
    tag: 'forbidden',
  }
  export interface HeaderErrorImmutable {
    tag: 'immutable',
  }
  export interface HeaderErrorSizeExceeded {
    tag: 'size-exceeded',
  }
  export interface HeaderErrorOther {
    tag: 'other',
    val: string | undefined,
  }
  export type RequestOptionsError = RequestOptionsErrorNotSupported | RequestOptionsErrorImmutable | RequestOptionsErrorOther;
  export interface RequestOptionsErrorNotSupported {
    tag: 'not-supported',
  }
  export interface RequestOptionsErrorImmutable {
    tag: 'immutable',
  }
  export interface RequestOptionsErrorOther {
    tag: 'other',
    val: string | undefined,
  }
  export type FieldName = string;
  export type FieldValue = Uint8Array;
  export type Headers = Fields;
  export type Trailers = Fields;
  export type StatusCode = number;
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class Fields implements Disposable {
    constructor()
    static fromList(entries: Array<[FieldName, FieldValue]>): Fields;
    get(name: FieldName): Array<FieldValue>;
    has(name: FieldName): boolean;
    set(name: FieldName, value: Array<FieldValue>): void;
    'delete'(name: FieldName): void;
    getAndDelete(name: FieldName): Array<FieldValue>;
    append(name: FieldName, value: FieldValue): void;
    copyAll(): Array<[FieldName, FieldValue]>;
    clone(): Fields;
    [Symbol.dispose](): void;
  }
  
  export class Request implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static 'new'(headers: Headers, contents: AsyncIterable<Uint8Array> | undefined, trailers: PromiseLike<Result<Trailers | undefined, ErrorCode>>, options: RequestOptions | undefined): [Request, PromiseLike<Result<void, ErrorCode>>];
    getMethod(): Method;
    setMethod(method: Method): void;
    getPathWithQuery(): string | undefined;
    setPathWithQuery(pathWithQuery: string | undefined): void;
    getScheme(): Scheme | undefined;
    setScheme(scheme: Scheme | undefined): void;
    getAuthority(): string | undefined;
    setAuthority(authority: string | undefined): void;
    getOptions(): RequestOptions | undefined;
    getHeaders(): Headers;
    static consumeBody(this_: Request, res: PromiseLike<Result<void, ErrorCode>>): [AsyncIterable<Uint8Array>, PromiseLike<Result<Trailers | undefined, ErrorCode>>];
    [Symbol.dispose](): void;
  }
  
  export class RequestOptions implements Disposable {
    constructor()
    getConnectTimeout(): Duration | undefined;
    setConnectTimeout(duration: Duration | undefined): void;
    getFirstByteTimeout(): Duration | undefined;
    setFirstByteTimeout(duration: Duration | undefined): void;
    getBetweenBytesTimeout(): Duration | undefined;
    setBetweenBytesTimeout(duration: Duration | undefined): void;
    clone(): RequestOptions;
    [Symbol.dispose](): void;
  }
  
  export class Response implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static 'new'(headers: Headers, contents: AsyncIterable<Uint8Array> | undefined, trailers: PromiseLike<Result<Trailers | undefined, ErrorCode>>): [Response, PromiseLike<Result<void, ErrorCode>>];
    getStatusCode(): StatusCode;
    setStatusCode(statusCode: StatusCode): void;
    getHeaders(): Headers;
    static consumeBody(this_: Response, res: PromiseLike<Result<void, ErrorCode>>): [AsyncIterable<Uint8Array>, PromiseLike<Result<Trailers | undefined, ErrorCode>>];
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:io/error@0.2.10' {
  
  export class Error implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    toDebugString(): string;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:io/poll@0.2.10' {
  export function poll(in_: Array<Pollable>): Uint32Array;
  
  export class Pollable implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    ready(): boolean;
    block(): void;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:io/streams@0.2.10' {
  export type Error = import('wasi:io/error@0.2.10').Error;
  export type Pollable = import('wasi:io/poll@0.2.10').Pollable;
  export type StreamError = StreamErrorLastOperationFailed | StreamErrorClosed;
  export interface StreamErrorLastOperationFailed {
    tag: 'last-operation-failed',
    val: Error,
  }
  export interface StreamErrorClosed {
    tag: 'closed',
  }
  
  export class InputStream implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    read(len: bigint): Uint8Array;
    blockingRead(len: bigint): Uint8Array;
    skip(len: bigint): bigint;
    blockingSkip(len: bigint): bigint;
    subscribe(): Pollable;
    [Symbol.dispose](): void;
  }
  
  export class OutputStream implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    checkWrite(): bigint;
    write(contents: Uint8Array): void;
    blockingWriteAndFlush(contents: Uint8Array): void;
    flush(): void;
    blockingFlush(): void;
    subscribe(): Pollable;
    writeZeroes(len: bigint): void;
    blockingWriteZeroesAndFlush(len: bigint): void;
    splice(src: InputStream, len: bigint): bigint;
    blockingSplice(src: InputStream, len: bigint): bigint;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:keyvalue/atomics@0.2.0-draft2' {
  /**
   * Adds to a number, 0 where there is none, and returns the sum.
   */
  export function increment(bucket: Bucket, key: string, delta: bigint): bigint;
  export function swap(cas: Cas, value: Uint8Array): void;
  export type Bucket = import('wasi:keyvalue/store@0.2.0-draft2').Bucket;
  export type Error = import('wasi:keyvalue/store@0.2.0-draft2').Error;
  export type CasError = CasErrorStoreError | CasErrorCasFailed;
  export interface CasErrorStoreError {
    tag: 'store-error',
    val: Error,
  }
  /**
   * The value has changed meanwhile. The handle is one for what it is now.
   */
  export interface CasErrorCasFailed {
    tag: 'cas-failed',
    val: Cas,
  }
  
  export class Cas implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static 'new'(bucket: Bucket, key: string): Cas;
    current(): Uint8Array | undefined;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:keyvalue/batch@0.2.0-draft2' {
  export function getMany(bucket: Bucket, keys: Array<string>): Array<[string, Uint8Array | undefined]>;
  export function setMany(bucket: Bucket, keyValues: Array<[string, Uint8Array]>): void;
  export function deleteMany(bucket: Bucket, keys: Array<string>): void;
  export type Bucket = import('wasi:keyvalue/store@0.2.0-draft2').Bucket;
  export type Error = import('wasi:keyvalue/store@0.2.0-draft2').Error;
}

declare module 'wasi:keyvalue/store@0.2.0-draft2' {
  export function open(identifier: string): Bucket;
  export type Error = ErrorNoSuchStore | ErrorAccessDenied | ErrorOther;
  /**
   * The host does not know the store.
   */
  export interface ErrorNoSuchStore {
    tag: 'no-such-store',
  }
  /**
   * The function may not use the store, whether or not it exists.
   */
  export interface ErrorAccessDenied {
    tag: 'access-denied',
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
  export interface KeyResponse {
    keys: Array<string>,
    /**
     * What to ask with for the keys that follow; none at the end.
     */
    cursor?: string,
  }
  
  export class Bucket implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    get(key: string): Uint8Array | undefined;
    set(key: string, value: Uint8Array): void;
    'delete'(key: string): void;
    exists(key: string): boolean;
    listKeys(cursor: string | undefined): KeyResponse;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:logging/logging@0.1.0-draft' {
  /**
   * Emits a message. The context is a string of the guest's own that groups messages.
   */
  export function log(level: Level, context: string, message: string): void;
  /**
   * # Variants
   * 
   * ## `"trace"`
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   * 
   * ## `"critical"`
   */
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'critical';
}

declare module 'wasi:messaging/producer@0.2.0-draft' {
  export function send(c: Client, topic: Topic, message: Message): void;
  export type Client = import('wasi:messaging/types@0.2.0-draft').Client;
  export type Message = import('wasi:messaging/types@0.2.0-draft').Message;
  export type Error = import('wasi:messaging/types@0.2.0-draft').Error;
  export type Topic = import('wasi:messaging/types@0.2.0-draft').Topic;
}

declare module 'wasi:messaging/types@0.2.0-draft' {
  export type Metadata = Array<[string, string]>;
  export type Topic = string;
  export type Error = ErrorTimeout | ErrorConnection | ErrorPermissionDenied | ErrorOther;
  export interface ErrorTimeout {
    tag: 'timeout',
  }
  export interface ErrorConnection {
    tag: 'connection',
    val: string,
  }
  export interface ErrorPermissionDenied {
    tag: 'permission-denied',
    val: string,
  }
  export interface ErrorOther {
    tag: 'other',
    val: string,
  }
  
  export class Client implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static connect(name: string): Client;
    disconnect(): void;
    [Symbol.dispose](): void;
  }
  
  export class Message implements Disposable {
    constructor(data: Uint8Array)
    topic(): Topic | undefined;
    contentType(): string | undefined;
    setContentType(contentType: string): void;
    data(): Uint8Array;
    setData(data: Uint8Array): void;
    metadata(): Metadata | undefined;
    addMetadata(key: string, value: string): void;
    setMetadata(meta: Metadata): void;
    removeMetadata(key: string): void;
    [Symbol.dispose](): void;
  }
}

declare module 'wasi:random/insecure-seed@0.3.0' {
  export function getInsecureSeed(): [bigint, bigint];
}

declare module 'wasi:random/insecure@0.3.0' {
  export function getInsecureRandomBytes(maxLen: bigint): Uint8Array;
  export function getInsecureRandomU64(): bigint;
}

declare module 'wasi:random/random@0.3.0' {
  export function getRandomBytes(maxLen: bigint): Uint8Array;
  export function getRandomU64(): bigint;
}

declare module 'wasi:sockets/ip-name-lookup@0.3.0' {
  export function resolveAddresses(name: string): Promise<Array<IpAddress>>;
  export type IpAddress = import('wasi:sockets/types@0.3.0').IpAddress;
  export type ErrorCode = ErrorCodeAccessDenied | ErrorCodeInvalidArgument | ErrorCodeNameUnresolvable | ErrorCodeTemporaryResolverFailure | ErrorCodePermanentResolverFailure | ErrorCodeOther;
  export interface ErrorCodeAccessDenied {
    tag: 'access-denied',
  }
  export interface ErrorCodeInvalidArgument {
    tag: 'invalid-argument',
  }
  export interface ErrorCodeNameUnresolvable {
    tag: 'name-unresolvable',
  }
  export interface ErrorCodeTemporaryResolverFailure {
    tag: 'temporary-resolver-failure',
  }
  export interface ErrorCodePermanentResolverFailure {
    tag: 'permanent-resolver-failure',
  }
  export interface ErrorCodeOther {
    tag: 'other',
    val: string | undefined,
  }
}

declare module 'wasi:sockets/types@0.3.0' {
  export type Duration = import('wasi:clocks/types@0.3.0').Duration;
  export type ErrorCode = ErrorCodeAccessDenied | ErrorCodeNotSupported | ErrorCodeInvalidArgument | ErrorCodeOutOfMemory | ErrorCodeTimeout | ErrorCodeInvalidState | ErrorCodeAddressNotBindable | ErrorCodeAddressInUse | ErrorCodeRemoteUnreachable | ErrorCodeConnectionRefused | ErrorCodeConnectionBroken | ErrorCodeConnectionReset | ErrorCodeConnectionAborted | ErrorCodeDatagramTooLarge | ErrorCodeOther;
  export interface ErrorCodeAccessDenied {
    tag: 'access-denied',
  }
  export interface ErrorCodeNotSupported {
    tag: 'not-supported',
  }
  export interface ErrorCodeInvalidArgument {
    tag: 'invalid-argument',
  }
  export interface ErrorCodeOutOfMemory {
    tag: 'out-of-memory',
  }
  export interface ErrorCodeTimeout {
    tag: 'timeout',
  }
  export interface ErrorCodeInvalidState {
    tag: 'invalid-state',
  }
  export interface ErrorCodeAddressNotBindable {
    tag: 'address-not-bindable',
  }
  export interface ErrorCodeAddressInUse {
    tag: 'address-in-use',
  }
  export interface ErrorCodeRemoteUnreachable {
    tag: 'remote-unreachable',
  }
  export interface ErrorCodeConnectionRefused {
    tag: 'connection-refused',
  }
  export interface ErrorCodeConnectionBroken {
    tag: 'connection-broken',
  }
  export interface ErrorCodeConnectionReset {
    tag: 'connection-reset',
  }
  export interface ErrorCodeConnectionAborted {
    tag: 'connection-aborted',
  }
  export interface ErrorCodeDatagramTooLarge {
    tag: 'datagram-too-large',
  }
  export interface ErrorCodeOther {
    tag: 'other',
    val: string | undefined,
  }
  /**
   * # Variants
   * 
   * ## `"ipv4"`
   * 
   * ## `"ipv6"`
   */
  export type IpAddressFamily = 'ipv4' | 'ipv6';
  export type Ipv4Address = [number, number, number, number];
  export type Ipv6Address = [number, number, number, number, number, number, number, number];
  export type IpAddress = IpAddressIpv4 | IpAddressIpv6;
  export interface IpAddressIpv4 {
    tag: 'ipv4',
    val: Ipv4Address,
  }
  export interface IpAddressIpv6 {
    tag: 'ipv6',
    val: Ipv6Address,
  }
  export interface Ipv4SocketAddress {
    port: number,
    address: Ipv4Address,
  }
  export interface Ipv6SocketAddress {
    port: number,
    flowInfo: number,
    address: Ipv6Address,
    scopeId: number,
  }
  export type IpSocketAddress = IpSocketAddressIpv4 | IpSocketAddressIpv6;
  export interface IpSocketAddressIpv4 {
    tag: 'ipv4',
    val: Ipv4SocketAddress,
  }
  export interface IpSocketAddressIpv6 {
    tag: 'ipv6',
    val: Ipv6SocketAddress,
  }
  export type Result<T, E> = { tag: 'ok', val: T } | { tag: 'err', val: E };
  
  export class TcpSocket implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static create(addressFamily: IpAddressFamily): TcpSocket;
    bind(localAddress: IpSocketAddress): void;
    connect(remoteAddress: IpSocketAddress): Promise<void>;
    listen(): AsyncIterable<TcpSocket>;
    send(data: AsyncIterable<Uint8Array>): PromiseLike<Result<void, ErrorCode>>;
    receive(): [AsyncIterable<Uint8Array>, PromiseLike<Result<void, ErrorCode>>];
    getLocalAddress(): IpSocketAddress;
    getRemoteAddress(): IpSocketAddress;
    getIsListening(): boolean;
    getAddressFamily(): IpAddressFamily;
    setListenBacklogSize(value: bigint): void;
    getKeepAliveEnabled(): boolean;
    setKeepAliveEnabled(value: boolean): void;
    getKeepAliveIdleTime(): Duration;
    setKeepAliveIdleTime(value: Duration): void;
    getKeepAliveInterval(): Duration;
    setKeepAliveInterval(value: Duration): void;
    getKeepAliveCount(): number;
    setKeepAliveCount(value: number): void;
    getHopLimit(): number;
    setHopLimit(value: number): void;
    getReceiveBufferSize(): bigint;
    setReceiveBufferSize(value: bigint): void;
    getSendBufferSize(): bigint;
    setSendBufferSize(value: bigint): void;
    [Symbol.dispose](): void;
  }
  
  export class UdpSocket implements Disposable {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    static create(addressFamily: IpAddressFamily): UdpSocket;
    bind(localAddress: IpSocketAddress): void;
    connect(remoteAddress: IpSocketAddress): void;
    disconnect(): void;
    send(data: Uint8Array, remoteAddress: IpSocketAddress | undefined): Promise<void>;
    receive(): Promise<[Uint8Array, IpSocketAddress]>;
    getLocalAddress(): IpSocketAddress;
    getRemoteAddress(): IpSocketAddress;
    getAddressFamily(): IpAddressFamily;
    getUnicastHopLimit(): number;
    setUnicastHopLimit(value: number): void;
    getReceiveBufferSize(): bigint;
    setReceiveBufferSize(value: bigint): void;
    getSendBufferSize(): bigint;
    setSendBufferSize(value: bigint): void;
    [Symbol.dispose](): void;
  }
}
