package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// masked is what is shown of a secret.
const masked = "***"

// setText sets a scalar by what is written for it.
func setText(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	wrong := fmt.Errorf("%q is not %s", text, describe(v.Type()))
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return wrong
		}
		v.SetInt(int64(d))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return wrong
		}
		v.SetBool(text == "true")
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return wrong
		}
		v.SetInt(n)
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return wrong
		}
		v.SetUint(n)
	case v.CanFloat():
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return wrong
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("%q: there is no way to write this here", text)
	}
	return nil
}

// setTexts sets a list of scalars.
func setTexts(v reflect.Value, texts []string) error {
	list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	var faults []error
	for i, text := range texts {
		faults = append(faults, setText(list.Index(i), text))
	}
	v.Set(list)
	return errors.Join(faults...)
}

// textOf is how a scalar is written.
func textOf(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	if v.Type() == durationType {
		return durationText(time.Duration(v.Int()))
	}
	return fmt.Sprint(v.Interface())
}

// durationText leaves out the zeros at the end: 1m30s, 10s, 2m.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// textsOf is what a scalar, a list or a mapping holds as texts, without what nobody is
// to be shown.
func textsOf(v reflect.Value, m member) []string {
	hide := secrecyOf(m.field)
	show := func(text string) string {
		switch {
		case text == "" || hide == public:
			return text
		case hide == secret:
			return masked
		}
		return withoutPassword(text)
	}
	switch m.kind {
	case scalars:
		var all []string
		for i := range v.Len() {
			all = append(all, show(textOf(v.Index(i))))
		}
		return all
	case mapping:
		var all []string
		for _, k := range slices.SortedFunc(maps.Keys(entriesOf(v)), strings.Compare) {
			all = append(all, k, show(entriesOf(v)[k]))
		}
		return all
	}
	return []string{show(textOf(v))}
}

// entriesOf is a mapping as texts.
func entriesOf(v reflect.Value) map[string]string {
	all := map[string]string{}
	for i := v.MapRange(); i.Next(); {
		all[i.Key().String()] = textOf(i.Value())
	}
	return all
}

// withoutPassword masks what may be a secret in one or several URLs: the password, a user
// without one, which then is a token, and the query.
func withoutPassword(text string) string {
	end := ""
	if before, _, found := strings.Cut(text, "?"); found && strings.Contains(before, "://") {
		text, end = before, "?"+masked
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil || u.User == nil && strings.Contains(part, "@") {
			parts[i] = masked // who knows what is in it
			continue
		}
		if u.User == nil {
			continue
		}
		before, _, _ := strings.Cut(part, "://")
		after := part[strings.LastIndexByte(part, '@')+1:]
		who := masked
		if _, has := u.User.Password(); has {
			who = url.User(u.User.Username()).String() + ":" + masked
		}
		parts[i] = before + "://" + who + "@" + after
	}
	return strings.Join(parts, ",") + end
}

// describe names a type the way the documentation does.
func describe(t reflect.Type) string {
	switch kindOf(t) {
	case sections:
		return "a list of mappings"
	case scalars:
		return "a list"
	case section, mapping:
		return "a mapping with keys of its own"
	}
	switch {
	case t == durationType:
		return "a time such as 500ms or 10s"
	case t == reflect.TypeFor[Size]():
		return "a size such as 512MiB or 64MB"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	}
	return "a number that fits here"
}
