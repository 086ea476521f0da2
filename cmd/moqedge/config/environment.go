package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// prefix is what the names of variables begin with.
const prefix = "MOQEDGE_"

// Off leaves a section or a list of sections out, as a value of its variable.
const Off = "off"

// Variable is the environment variable of a key: MOQEDGE_HTTP_LISTEN is http.listen,
// MOQEDGE_UPSTREAMS_0_URL upstreams[0].url, MOQEDGE_RETENTION_CACHE_BYTES
// retention.cacheBytes.
func Variable(key string) string {
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for i, part := range parts {
		parts[i] = upper(part)
	}
	return prefix + strings.Join(parts, "_")
}

// upper writes a key in capitals, with underlines between its words.
func upper(key string) string {
	var b strings.Builder
	before := rune(0)
	for _, r := range key {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
		before = r
	}
	return b.String()
}

// foreign are variables that container platforms set in each container for a service
// of that name: MOQEDGE_SERVICE_HOST, MOQEDGE_PORT_4443_UDP_ADDR and others.
var foreign = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// environment takes in the MOQEDGE_ variables. Empty ones count as not there.
func (s *Settings) environment(environ, others []string) Faults {
	var faults Faults
	environ = slices.Sorted(slices.Values(environ)) // lists are filled from 0 on
	slices.SortStableFunc(environ, func(a, b string) int { return compareVariables(name(a), name(b)) })
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, prefix) || value == "" || slices.Contains(others, variable) {
			continue
		}
		key, ok := keyOfVariable(variable)
		switch {
		case ok:
			if f := s.set(key, value, Origin{Kind: FromEnvironment, Name: variable}); f != nil {
				faults = append(faults, *f)
			}
		case foreign.MatchString(variable):
		default:
			faults = append(faults, Fault{
				Origin: Origin{Kind: FromEnvironment, Name: variable},
				Text:   "there is no such variable: the nearest is " + nearest(variable, others),
			})
		}
	}
	return faults
}

func name(entry string) string {
	n, _, _ := strings.Cut(entry, "=")
	return n
}

// compareVariables orders by name, numbers in it by what they count.
func compareVariables(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "_"), strings.Split(b, "_"), func(x, y string) int {
		n, err := strconv.Atoi(x)
		m, failed := strconv.Atoi(y)
		if err == nil && failed == nil {
			return n - m
		}
		return strings.Compare(x, y)
	})
}

// keyOfVariable is the key that a variable is of.
func keyOfVariable(variable string) (key string, ok bool) {
	return keyBelow(reflect.TypeFor[Config](), strings.TrimPrefix(variable, prefix), "")
}

func keyBelow(t reflect.Type, rest, path string) (key string, ok bool) {
	for _, m := range members(t) {
		after, found := strings.CutPrefix(rest, upper(m.key))
		if !found {
			continue
		}
		path := join(path, m.key)
		if after == "" {
			return path, true
		}
		if after, found = strings.CutPrefix(after, "_"); !found {
			continue
		}
		if m.kind == sections {
			number, tail, _ := strings.Cut(after, "_")
			if n, err := strconv.ParseUint(number, 10, 16); err != nil || strconv.FormatUint(n, 10) != number {
				continue
			}
			path, after = path+"["+number+"]", tail
		}
		if m.kind == section || m.kind == sections {
			if key, ok := keyBelow(structOf(m.field.Type), after, path); ok {
				return key, true
			}
		}
	}
	return "", false
}

// Variables are the names of all, those of entries of lists with 0 for the first.
func Variables() []string {
	var all []string
	walk(reflect.TypeFor[Config](), "", func(path string, _ member) {
		all = append(all, Variable(strings.ReplaceAll(path, "[]", "[0]")))
	})
	return all
}

// walk calls f for each key below a section, lists of sections as upstreams[].url.
func walk(t reflect.Type, path string, f func(path string, m member)) {
	for _, m := range members(t) {
		path := join(path, m.key)
		f(path, m)
		switch m.kind {
		case section:
			walk(structOf(m.field.Type), path, f)
		case sections:
			walk(structOf(m.field.Type), path+"[]", f)
		}
	}
}

// nearest is the variable that is most like one.
func nearest(variable string, others []string) string {
	numbers := regexp.MustCompile(`_[0-9]+(_|$)`)
	plain := numbers.ReplaceAllString(variable, "_0$1")
	return slices.MinFunc(append(Variables(), others...), func(a, b string) int { return distance(plain, a) - distance(plain, b) })
}

// distance is how many letters have to be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// set sets a key by a text: that of a variable or a flag.
func (s *Settings) set(key, text string, from Origin) *Fault {
	fault := func(format string, args ...any) *Fault {
		return &Fault{Origin: from, Key: key, Text: fmt.Sprintf(format, args...)}
	}
	v, m, err := reach(reflect.ValueOf(&s.Config).Elem(), key)
	if err != nil {
		return fault("%v", err)
	}
	if err := unmasked(m, text); err != nil {
		return fault("%v", err)
	}
	switch m.kind {
	case scalar:
		err = setText(v, text)
	case scalars:
		var texts []string
		for part := range strings.SplitSeq(text, ",") {
			texts = append(texts, strings.TrimSpace(part))
		}
		err = setTexts(v, texts)
	case mapping:
		err = setPairs(v, text)
	default:
		on, switched := switchOf(m.field.Type)
		optional := v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice
		switch {
		case switched && m.kind == section:
			err = setText(v.FieldByIndex(on.Index), text)
		case text != Off && optional:
			err = fmt.Errorf("%q: here can be %s, which leaves it out; else give its keys: %s_...", text, Off, Variable(key))
		case text != Off:
			err = fmt.Errorf("%q: this is a section: give its keys: %s_...", text, Variable(key))
		case !optional:
			err = fmt.Errorf("%s: this section can not be left out", Off)
		default:
			v.SetZero()
		}
	}
	if err != nil {
		return fault("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	s.note(key, from)
	return nil
}

// reach finds a field, and makes the sections that it is in.
func reach(v reflect.Value, key string) (reflect.Value, member, error) {
	var m member
	path := ""
	for part := range strings.SplitSeq(key, ".") {
		part, index, listed := strings.Cut(part, "[")
		var known bool
		if m, known = find(v.Type(), part); !known {
			return v, m, fmt.Errorf("unknown key %q: %s there can be %s", part, where(path), keys(v.Type()))
		}
		path = join(path, part)
		v = v.FieldByIndex(m.field.Index)
		if listed {
			n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || n > v.Len() {
				return v, m, fmt.Errorf("%s has %d entries: the next is %s", path, v.Len(), Variable(fmt.Sprintf("%s[%d]", path, v.Len())))
			}
			if n == v.Len() {
				v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			}
			v = v.Index(n)
			path = fmt.Sprintf("%s[%d]", path, n)
		}
		if path == key {
			return v, m, nil
		}
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		if on, switched := switchOf(v.Type()); switched && m.kind == section {
			v.FieldByIndex(on.Index).SetBool(true)
		}
	}
	return v, m, nil
}

// setPairs sets a mapping that is written as NAME=VALUE,NAME=VALUE.
func setPairs(v reflect.Value, text string) error {
	pairs := reflect.MakeMap(v.Type())
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return errors.New("what is between commas is not NAME=VALUE") // it may be a secret
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		if err := setText(entry, strings.TrimSpace(value)); err != nil {
			return err
		}
		pairs.SetMapIndex(reflect.ValueOf(strings.TrimSpace(key)).Convert(v.Type().Key()), entry)
	}
	v.Set(pairs)
	return nil
}

var indices = regexp.MustCompile(`\[[0-9]+\]`)

// withoutIndex leaves the numbers of entries of lists out of a path.
func withoutIndex(path string) string { return indices.ReplaceAllString(path, "") }
