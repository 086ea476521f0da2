package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder sets a configuration by the tree of a file. It goes on after a fault, so
// that people are told of all.
type decoder struct {
	file    string
	into    *Settings
	anchors map[string]ast.Node
	left    int // how many values may still come: aliases multiply
	faults  Faults
}

// maxValues bounds what a file can make by aliases.
const maxValues = 100_000

func decode(file string, root ast.Node, into *Settings) Faults {
	d := &decoder{file: file, into: into, anchors: map[string]ast.Node{}, left: maxValues}
	d.section(root, reflect.ValueOf(&into.Config).Elem(), "")
	return d.faults
}

func (d *decoder) fault(node ast.Node, key, format string, args ...any) {
	d.faults = append(d.faults, Fault{Origin: d.origin(node), Key: key, Text: fmt.Sprintf(format, args...)})
}

func (d *decoder) origin(node ast.Node) Origin {
	o := Origin{Kind: FromFile, Name: d.file}
	if t := node.GetToken(); t != nil && t.Position != nil {
		o.Line = t.Position.Line
	}
	return o
}

// resolve returns what a node stands for, nil for nothing.
func (d *decoder) resolve(node ast.Node) ast.Node {
	for range maxNesting {
		switch n := node.(type) {
		case *ast.TagNode:
			node = n.Value
		case *ast.AnchorNode:
			d.anchors[n.Name.GetToken().Value] = n.Value
			node = n.Value
		case *ast.AliasNode:
			name := n.Value.GetToken().Value
			target, known := d.anchors[name]
			if !known {
				d.fault(n, "", "there is no anchor %q before", name)
				return nil
			}
			node = target
		case *ast.NullNode:
			return nil
		default:
			return node
		}
	}
	d.fault(node, "", "anchors that lead nowhere")
	return nil
}

// maxNesting bounds how often a node can stand for another.
const maxNesting = 10

// value sets one field.
func (d *decoder) value(node ast.Node, v reflect.Value, m member, path string) {
	if d.left--; d.left <= 0 {
		if d.left == 0 {
			d.fault(node, path, "more than %d values: this is no configuration", maxValues)
		}
		return
	}
	at := d.origin(node)
	if node = d.resolve(node); node == nil {
		return // as if the key were not there
	}
	switch m.kind {
	case section:
		on, switched := switchOf(v.Type())
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		if text, plain := textIn(node); switched && plain {
			if err := setText(v.FieldByIndex(on.Index), text); err != nil {
				d.fault(node, path, "%v", err)
			}
			break
		}
		if switched {
			v.FieldByIndex(on.Index).SetBool(true)
		}
		d.section(node, v, path)
	case sections:
		d.list(node, v, m, path, func(node ast.Node, v reflect.Value, path string) {
			d.value(node, v, member{field: m.field, kind: section}, path)
		})
	case scalars:
		d.list(node, v, m, path, func(node ast.Node, v reflect.Value, path string) { d.scalar(node, v, m, path) })
	case mapping:
		d.mapping(node, v, m, path)
	default:
		d.scalar(node, v, m, path)
	}
	d.into.note(path, at)
}

func (d *decoder) section(node ast.Node, v reflect.Value, path string) {
	all, ok := entries(d.resolve(node))
	if !ok {
		d.fault(node, path, "this is not a mapping: %s there can be %s", where(path), keys(v.Type()))
		return
	}
	seen := map[string]bool{}
	for _, e := range all {
		key := keyText(e)
		m, known := find(v.Type(), key)
		switch {
		case !known:
			d.fault(e.Key, join(path, key), "unknown key %q: %s there can be %s", key, where(path), keys(v.Type()))
		case seen[key]:
			d.fault(e.Key, join(path, key), "the key %q is there twice", key)
		default:
			seen[key] = true
			d.value(e.Value, v.FieldByIndex(m.field.Index), m, join(path, key))
			d.into.move(join(path, key), d.origin(e.Key))
		}
	}
}

func (d *decoder) list(node ast.Node, v reflect.Value, m member, path string, each func(ast.Node, reflect.Value, string)) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fault(node, path, "%q is not %s", node.GetToken().Value, describe(m.field.Type))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, entry := range list.Values {
		each(entry, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) mapping(node ast.Node, v reflect.Value, m member, path string) {
	all, ok := entries(node)
	if !ok { // what it is instead may be a secret
		d.fault(node, path, "this is not %s", describe(m.field.Type))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range all {
		value := reflect.New(v.Type().Elem()).Elem()
		d.scalar(e.Value, value, m, join(path, keyText(e)))
		v.SetMapIndex(reflect.ValueOf(keyText(e)).Convert(v.Type().Key()), value)
	}
}

func (d *decoder) scalar(node ast.Node, v reflect.Value, m member, path string) {
	if d.left--; d.left <= 0 {
		if d.left == 0 {
			d.fault(node, path, "more than %d values: this is no configuration", maxValues)
		}
		return
	}
	if node = d.resolve(node); node == nil {
		return
	}
	text, ok := textIn(node)
	if !ok {
		d.fault(node, path, "%q is not %s", node.GetToken().Value, describe(v.Type()))
		return
	}
	if err := unmasked(m, text); err != nil {
		d.fault(node, path, "%v", err)
		return
	}
	if err := setText(v, text); err != nil {
		d.fault(node, path, "%v", err)
	}
}

// unmasked refuses as a secret what was shown instead of one.
func unmasked(m member, text string) error {
	if hide := secrecyOf(m.field); hide == secret && text == masked || hide == secretInURL && strings.Contains(text, masked) {
		return fmt.Errorf("%q is what is shown instead of a secret: give the secret", text)
	}
	return nil
}

// textIn is what a scalar of a file says.
func textIn(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// entries returns what a mapping holds, and whether a node is one.
func entries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode: // how the parser writes a mapping with one key
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func keyText(v *ast.MappingValueNode) string { return v.Key.GetToken().Value }

func where(path string) string {
	if path == "" {
		return "at the top"
	}
	return "in " + withoutIndex(path)
}
