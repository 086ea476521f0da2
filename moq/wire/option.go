package wire

// Option is a field that may be absent. The zero value is absent.
type Option[T any] struct {
	Value T    // the zero value unless Set
	Set   bool // it is there
}

// Some returns a present field.
func Some[T any](v T) Option[T] { return Option[T]{Value: v, Set: true} }

// Or returns the value, or def if the field is absent.
func (o Option[T]) Or(def T) T {
	if o.Set {
		return o.Value
	}
	return def
}
