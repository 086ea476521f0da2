package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a configuration file in bytes.
const maxFile = 1 << 20

// Load reads and validates a file. Its errors are one line and begin with the
// file and, where there is one, the line.
func Load(file string) (Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()
	text := new(bytes.Buffer)
	if _, err := text.ReadFrom(&limited{f, maxFile}); err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return Parse(file, text.Bytes())
}

// Parse reads and validates the text of a file; name is for its errors.
func Parse(name string, text []byte) (Config, error) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return Config{}, located(name, err)
	}
	if len(tree.Docs) > 1 {
		return Config{}, fmt.Errorf("%s:%d: a second document: a configuration is one", name, tree.Docs[1].Start.Position.Line)
	}
	var root ast.Node
	if len(tree.Docs) == 1 {
		root = tree.Docs[0].Body
	}
	if _, comment := root.(*ast.CommentGroupNode); root == nil || comment {
		return Config{}, fmt.Errorf("%s: it is empty: at least listen must be set", name)
	}
	if f := findFault(root); f != nil {
		return Config{}, fmt.Errorf("%s:%d: %s", name, f.line, f.text)
	}
	var c Config
	if err := yaml.NodeToValue(root, &c, yaml.Strict()); err != nil {
		return Config{}, located(name, err)
	}
	if err := c.Validate(); err != nil {
		key, _, _ := strings.Cut(err.Error(), ":")
		if line := lineOf(root, key); line > 0 {
			return Config{}, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// located puts file and line before an error of the YAML library, and leaves
// out its picture of the source.
func located(name string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("%s: %s", name, first)
	}
	message, _, _ := strings.Cut(plain(e), "\n")
	if t := e.GetToken(); t != nil && t.Position != nil {
		return fmt.Errorf("%s:%d: %s", name, t.Position.Line, message)
	}
	return fmt.Errorf("%s: %s", name, message)
}

// plain says a type error without the names of Go types.
func plain(e yaml.Error) string {
	t, ok := errors.AsType[*yaml.TypeError](e)
	if !ok || t.Token == nil {
		return e.GetMessage()
	}
	return fmt.Sprintf("%q is not %s", t.Token.Value, describe(t.DstType))
}

// limited is an io.LimitReader that says when there is more.
type limited struct {
	file *os.File
	left int
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.file.Read(b)
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("it is larger than %d bytes: this is no configuration", maxFile)
	}
	return n, err
}
