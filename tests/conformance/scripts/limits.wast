;; Values of a type fit into less than 2^28 bytes, in memories of either kind.

(component definition (type (list u8 268435455)))
(assert_invalid (component (type (list u8 268435456))) "type size is too large")
(component definition (type (list string 16777215)))
(assert_invalid (component (type (list string 16777216))) "type size is too large")
(assert_invalid
  (component (type $s (tuple u8 string)) (type (list $s 12000000)))
  "type size is too large")
