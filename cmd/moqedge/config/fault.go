package config

import (
	"errors"
	"fmt"
	"strings"
)

// Origin is where a value comes from.
type Origin struct {
	// Kind of the place.
	Kind OriginKind
	// Name of the file, variable or flag; "" for defaults.
	Name string
	// Line of the file, from 1; 0 when it is none.
	Line int
}

// OriginKind is a kind of places, the later going before the earlier.
type OriginKind uint8

// Kinds of origins.
const (
	FromDefault OriginKind = iota
	FromFile
	FromEnvironment
	FromFlag
)

// String says it as a comment of --print-config does.
func (o Origin) String() string {
	switch o.Kind {
	case FromFile:
		return "file, line " + fmt.Sprint(o.Line)
	case FromEnvironment:
		return "environment: " + o.Name
	case FromFlag:
		return "flag: " + o.Name
	}
	return "default"
}

// at is what errors begin with.
func (o Origin) at() string {
	switch {
	case o.Name == "":
		return ""
	case o.Line > 0:
		return fmt.Sprintf("%s:%d: ", o.Name, o.Line)
	}
	return o.Name + ": "
}

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	Origin
	// Key that it is about, such as upstreams[0].url; "" when it is none.
	Key string
	// Text says what is wrong and what is allowed, in one line. That of a Fault which
	// Validate found begins with the key.
	Text string
}

// Error is one line that begins with the file and the line, or the variable, or the
// flag.
func (f Fault) Error() string { return f.at() + f.Text }

// Faults are all that were found, at least one.
type Faults []Fault

// Error has a line for each.
func (fs Faults) Error() string {
	lines := make([]string, 0, len(fs))
	for _, f := range fs {
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// findings are what is wrong with a section, each with its key.
type findings []error

// Error has a line for each.
func (f findings) Error() string { return errors.Join(f...).Error() }

// found is f as an error, nil when there is nothing.
func (f findings) found() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// note adds what is wrong, if it is.
func (f *findings) note(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// add adds what is wrong with a part, whose keys are below a prefix.
func (f *findings) add(prefix string, err error) {
	all, many := err.(findings)
	switch {
	case err == nil:
		return
	case !many:
		all = findings{err}
	}
	for _, one := range all {
		f.note(true, "%s%w", prefix, one)
	}
}

// NewFault takes an error whose text begins with a key and a colon for a Fault.
func NewFault(err error) Fault {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	key, _, _ := strings.Cut(text, ":")
	return Fault{Key: key, Text: text}
}
