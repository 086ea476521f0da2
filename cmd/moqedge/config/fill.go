package config

import "reflect"

// Clone is a copy of c that shares nothing with it.
func (c Config) Clone() Config {
	own(reflect.ValueOf(&c).Elem())
	return c
}

// own has a section hold copies of what it points to.
func own(v reflect.Value) {
	for _, m := range members(v.Type()) {
		f := v.FieldByIndex(m.field.Index)
		switch {
		case m.kind == section && f.Kind() != reflect.Pointer:
			own(f)
		case m.kind == section && !f.IsNil():
			c := reflect.New(f.Type().Elem())
			c.Elem().Set(f.Elem())
			own(c.Elem())
			f.Set(c)
		case f.Kind() == reflect.Slice && !f.IsNil():
			c := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(c, f)
			for i := 0; m.kind == sections && i < c.Len(); i++ {
				own(c.Index(i))
			}
			f.Set(c)
		case m.kind == mapping && !f.IsNil():
			c := reflect.MakeMap(f.Type())
			for i := f.MapRange(); i.Next(); {
				c.SetMapIndex(i.Key(), i.Value())
			}
			f.Set(c)
		}
	}
}

// Filled is a copy of c with what the tags say for values that are not given.
func (c Config) Filled() Config {
	c = c.Clone()
	fill(reflect.ValueOf(&c).Elem())
	return c
}

func fill(v reflect.Value) {
	for _, m := range members(v.Type()) {
		f := v.FieldByIndex(m.field.Index)
		switch {
		case m.kind == section && f.Kind() != reflect.Pointer:
			fill(f)
		case m.kind == section && !f.IsNil():
			fill(f.Elem())
		case m.kind == sections:
			for i := range f.Len() {
				fill(f.Index(i))
			}
		case m.kind == scalar && f.IsZero():
			if text := m.field.Tag.Get("default"); text != "" {
				_ = setText(f, text) // that it can be is tested
			}
		}
	}
}
