package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented are the packages of the library, whose readers have no more than
// the comments.
var documented = []string{"moq", "moq/live", "moq/deliver", "moq/transport", "moq/wire", "moq/loc", "moq/cmaf", "moq/msf", "bridge/signalling"}

// Every exported identifier of the library has a comment.
func TestDocumentation(t *testing.T) {
	for _, pkg := range documented {
		names, err := filepath.Glob(filepath.Join("../..", pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		described, checked := false, 0
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			f, err := parser.ParseFile(files, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			checked++
			described = described || f.Doc != nil
			for _, u := range undocumented(f) {
				t.Errorf("%s: %s has no comment", files.Position(u.Pos()), u.Name)
			}
		}
		if checked == 0 || !described {
			t.Errorf("%s: %d files, package comment %t", pkg, checked, described)
		}
	}
}

// The check finds what it is for.
func TestDocumentationNegative(t *testing.T) {
	const source = `package p
func F() {}
// G is described.
func G() {}
type T struct { A, B int }
// U has an X.
type U struct {
	X, y int
	// Z and W are described together.
	Z int
	W int
	V int
}
func (U) M() {}
func (u) N() {}
type u struct { Q int }
type I interface { O() }
const C = 1
// Codes.
const ( D = 1 )
var E, e int // E is described.
var H int
`
	f, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range undocumented(f) {
		got = append(got, u.Name)
	}
	if want := "F T A B V M I O C H"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// undocumented returns the exported identifiers of a file without a comment.
// That of a group of constants or variables is enough for its members; one of a
// type, or of a field before, for the fields and methods that it names.
func undocumented(f *ast.File) []*ast.Ident {
	var missing []*ast.Ident
	need := func(id *ast.Ident, has bool) {
		if id.IsExported() && !has {
			missing = append(missing, id)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type)) {
				need(d.Name, d.Doc != nil)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, id := range s.Names {
						need(id, d.Doc != nil || s.Doc != nil || s.Comment != nil)
					}
				case *ast.TypeSpec:
					if !s.Name.IsExported() {
						continue
					}
					doc := d.Doc.Text() + s.Doc.Text() + s.Comment.Text()
					need(s.Name, doc != "")
					for _, field := range members(s.Type) {
						own := field.Doc.Text() + field.Comment.Text()
						doc += own
						for _, id := range field.Names {
							need(id, own != "" || mentions(doc, id.Name))
						}
					}
				}
			}
		}
	}
	return missing
}

// receiver is the name of the type of a method.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// members are the fields of a struct, or the methods of an interface.
func members(e ast.Expr) []*ast.Field {
	switch e := e.(type) {
	case *ast.StructType:
		return e.Fields.List
	case *ast.InterfaceType:
		return e.Methods.List
	}
	return nil
}

// mentions reports whether a comment has a word.
func mentions(doc, word string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(doc)
}

// The code of docs/library.md is that of the examples, which are run.
func TestLibraryPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("../../moq/example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			examples.WriteString(strings.TrimLeft(line, "\t"))
		}
	}
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)```\n").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Errorf("%d blocks of code", len(blocks))
	}
	for _, block := range blocks {
		var code strings.Builder
		for line := range strings.Lines(block[1]) {
			code.WriteString(strings.TrimLeft(line, "\t"))
		}
		if !strings.Contains(examples.String(), "\n"+code.String()) {
			t.Errorf("no example has\n%s", block[1])
		}
	}
}
