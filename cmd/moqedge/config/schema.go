package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// fault is what is wrong at one place of a file.
type fault struct {
	line int
	text string
}

// findFault returns the first unknown key or unreadable time. The YAML library
// finds them too, but can not say what would be allowed, or where.
func findFault(root ast.Node) *fault { return check(root, reflect.TypeFor[Config](), "") }

func check(node ast.Node, t reflect.Type, path string) *fault {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		if s, ok := node.(*ast.StringNode); ok {
			if _, err := time.ParseDuration(s.Value); err != nil {
				return &fault{s.GetToken().Position.Line, fmt.Sprintf("%q is not %s", s.Value, describe(t))}
			}
		}
		return nil
	case t == reflect.TypeFor[Size]():
		scalar := node.GetToken()
		if _, err := ParseSize(scalar.Value); err != nil {
			return &fault{scalar.Position.Line, err.Error()}
		}
		return nil
	case t.Kind() == reflect.Slice:
		list, _ := node.(*ast.SequenceNode)
		if list == nil {
			return nil
		}
		for _, v := range list.Values {
			if f := check(v, t.Elem(), path); f != nil {
				return f
			}
		}
		return nil
	case t.Kind() != reflect.Struct:
		return nil
	}
	for _, v := range entries(node) {
		key := keyText(v)
		fields := reflect.VisibleFields(t) // those of embedded structs, too
		i := slices.IndexFunc(fields, func(f reflect.StructField) bool { return key != "" && keyOf(f) == key })
		if i < 0 {
			return &fault{v.Key.GetToken().Position.Line, unknownKey(key, t, path)}
		}
		if f := check(v.Value, fields[i].Type, join(path, key)); f != nil {
			return f
		}
	}
	return nil
}

func unknownKey(key string, t reflect.Type, path string) string {
	var allowed []string
	for _, f := range reflect.VisibleFields(t) { // in the order they are documented
		if name := keyOf(f); name != "" {
			allowed = append(allowed, name)
		}
	}
	where := "at the top"
	if path != "" {
		where = "in " + path
	}
	return fmt.Sprintf("unknown key %q: %s there can be %s", key, where, strings.Join(allowed, ", "))
}

// entries returns what a mapping holds, nothing for other nodes.
func entries(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode: // how the parser writes a mapping with one key
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func keyText(v *ast.MappingValueNode) string { return v.Key.GetToken().Value }

// keyOf is the key of a field, "" when it has none.
func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lineOf returns the line of a dotted key, in which [N] is an entry of a list,
// or of the deepest part of it that is in the file; 0 for none.
func lineOf(root ast.Node, path string) int {
	line := 0
	for part := range strings.SplitSeq(path, ".") {
		part, index, _ := strings.Cut(part, "[")
		all := entries(root)
		i := slices.IndexFunc(all, func(v *ast.MappingValueNode) bool { return keyText(v) == part })
		if i < 0 {
			break
		}
		line = all[i].Key.GetToken().Position.Line
		root = all[i].Value
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if list, ok := root.(*ast.SequenceNode); ok && err == nil && n < len(list.Values) {
			root = list.Values[n]
			line = root.GetToken().Position.Line
		}
	}
	return line
}

// describe names a type the way the documentation does.
func describe(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a time such as 500ms or 10s"
	case t == reflect.TypeFor[Size]():
		return "a size such as 512MiB or 64MB"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Pointer:
		return "a mapping with keys of its own"
	case t.Kind() == reflect.String:
		return "a text"
	}
	return "a number that fits here"
}
