package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../../docs/configuration.md"

// The page shows the samples as they are.
func TestDocumentedSamples(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		sample, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "```yaml\n"+string(sample)+"```\n") {
			t.Errorf("%s is not shown as it is", file)
		}
	}
}

// Every piece of a configuration that a page shows can be read, with what it leaves out.
func TestDocumentedPieces(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, name := range []string{"access", "admin", "certificates", "cluster", "configuration", "limits", "observing", "tree"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(page), name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllSubmatch(text, -1) {
			piece := string(block[1])
			if !strings.Contains("\n"+piece, "\nlisten:") {
				piece = "listen: 127.0.0.1:4443\n" + piece
			}
			file := filepath.Join(t.TempDir(), name+".yaml")
			if err := os.WriteFile(file, []byte(piece), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := (Sources{File: file}).Read(); err != nil {
				t.Errorf("%v\n%s", err, piece)
			}
		}
	}
}

// update writes the table of the page anew.
var update = flag.Bool("update", false, "write the table of docs/configuration.md")

const tableBegin, tableEnd = "<!-- fields: generated, see cmd/moqedge/config/docs_test.go -->\n", "<!-- end of fields -->\n"

// The page's table is what the schema says.
func TestTable(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), tableBegin)
	old, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("the page has no %q and %q around its table", tableBegin, tableEnd)
	}
	table := fieldTable(t)
	if old == table {
		return
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+tableBegin+table+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was := strings.Split(old, "\n")
	for _, line := range strings.Split(table, "\n") {
		if !slices.Contains(was, line) {
			t.Errorf("the page lacks: %s", line)
		}
	}
	t.Error("docs/configuration.md is not what the schema says: go test ./cmd/moqedge/config -run TestTable -update")
}

// fieldTable describes all fields, in Markdown.
func fieldTable(t *testing.T) string {
	docs := fieldComments(t, ".", "../peer")
	var b strings.Builder
	b.WriteString("| key | meaning | without it | unit | reload | variable |\n|---|---|---|---|---|---|\n")
	var rows func(at reflect.Type, path string, around Class)
	rows = func(at reflect.Type, path string, around Class) {
		for _, m := range members(at) {
			key := join(path, m.key)
			class, _ := classOf(m.field, around)
			owner := at
			for _, i := range m.field.Index[:len(m.field.Index)-1] {
				owner = owner.Field(i).Type // embedded
			}
			comment := docs[owner.String()+"."+m.field.Name]
			if comment == "" {
				t.Errorf("%s has no comment", key)
			}
			without := m.field.Tag.Get("without")
			if d := m.field.Tag.Get("default"); d != "" {
				without = "`" + d + "`"
			}
			variable := "`" + Variable(strings.ReplaceAll(key, "[]", "[0]")) + "`"
			if m.kind == section && m.field.Type.Kind() != reflect.Pointer {
				if _, switched := switchOf(m.field.Type); !switched {
					variable = "" // it is not left out
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", strings.ReplaceAll(key, "[]", ""), meaning(comment, m.field.Name), without, unit(m), class, variable)
			if m.field.Tag.Get("as") != "" {
				continue
			}
			switch m.kind {
			case section:
				rows(structOf(m.field.Type), key, class)
			case sections:
				rows(structOf(m.field.Type), key+"[]", class)
			}
		}
	}
	rows(reflect.TypeFor[Config](), "", Restart)
	return b.String()
}

// unit is what the values of a field are.
func unit(m member) string {
	if u := m.field.Tag.Get("unit"); u != "" {
		return u
	}
	t := m.field.Type
	switch {
	case m.kind == section || m.kind == sections:
		return ""
	case m.kind == scalars:
		return "list"
	case m.kind == mapping:
		return "mapping"
	case t == durationType:
		return "time"
	case t == reflect.TypeFor[Size]():
		return "size"
	case t == reflect.TypeFor[ByteRate]():
		return "size, in a second"
	case t == reflect.TypeFor[Bitrate]():
		return "bit/s, as `20Mbit`"
	case t == reflect.TypeFor[Share]():
		return "share, as `25%`"
	case t.Kind() == reflect.Bool:
		return "true, false"
	case t.Kind() == reflect.String, kindOf(t) == scalar && t.Kind() == reflect.Struct:
		return "text"
	}
	return "number"
}

// meaning is a comment without the name of the field at its beginning.
func meaning(comment, name string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if rest, ok := strings.CutPrefix(text, name+" "); ok {
		word, tail, _ := strings.Cut(rest, " ")
		switch word {
		case "is", "are", "says", "has":
			text = strings.TrimPrefix(tail, "that ")
		case "of", "that":
			text = strings.ToLower(name) + " " + rest
		default:
			text = rest
		}
	}
	if strings.Count(text, ". ") == 0 {
		text = strings.TrimSuffix(text, ".")
	}
	return strings.ReplaceAll(text, "|", "\\|")
}

// fieldComments are the comments of the fields of structs in the packages of folders, as
// config.HTTP.Listen.
func fieldComments(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range tree.Decls {
				general, ok := d.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range general.Specs {
					named, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					structure, ok := named.Type.(*ast.StructType)
					if !ok {
						continue
					}
					for _, f := range structure.Fields.List {
						for _, name := range f.Names {
							docs[tree.Name.Name+"."+named.Name.Name+"."+name.Name] = f.Doc.Text()
						}
					}
				}
			}
		}
	}
	return docs
}
