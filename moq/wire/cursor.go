package wire

// CursorAfter is the position on a subgroup stream after the object with this ID.
func CursorAfter(id uint64) ObjectCursor { return ObjectCursor{prev: id, started: true} }
