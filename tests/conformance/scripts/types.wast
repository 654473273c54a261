;; What types may be of others: keys of maps are few kinds of values.

(component definition (type (map string (list u8))))
(assert_invalid (component (type (map f32 u8))) "a map cannot have keys of type f32")
(assert_invalid (component (type $l (list u8)) (type (map $l u8))) "a map cannot have keys of type list")

;; Values of a type fit into less than 2^28 bytes, in memories of either kind.

(component definition (type (list u8 268435455)))
(assert_invalid (component (type (list u8 268435456))) "type size is too large")
(component definition (type (list string 16777215)))
(assert_invalid (component (type (list string 16777216))) "type size is too large")
(assert_invalid
  (component (type $s (tuple u8 string)) (type (list $s 12000000)))
  "type size is too large")
