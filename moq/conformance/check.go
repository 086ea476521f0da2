package conformance

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"strings"
)

// minReason is how many words it takes to excuse a MUST.
const minReason = 10

// Check holds a table against the module whose root is given, and returns what
// is wrong with it: numbers missing or used twice, rules without tests and
// without a reason, tests that do not exist.
func Check(rules []Rule, module fs.FS) []error {
	c := checker{module: module, folders: map[string]*testFiles{}}
	seen := map[int]bool{}
	for i := range rules {
		r := &rules[i]
		if r.Number < 1 || r.Number > Count {
			c.complain(r, "there are %d rules", Count)
		}
		if seen[r.Number] {
			c.complain(r, "is there twice")
		}
		seen[r.Number] = true
		c.rule(r)
	}
	for n := 1; n <= Count; n++ {
		if !seen[n] {
			c.complain(&Rule{Number: n}, "is missing")
		}
	}
	return c.problems
}

type checker struct {
	module   fs.FS
	folders  map[string]*testFiles
	problems []error
}

func (c *checker) complain(r *Rule, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("rule %d: "+format, append([]any{r.Number}, args...)...))
}

func (c *checker) rule(r *Rule) {
	if r.Text == "" || r.Section == "" || r.Role == "" {
		c.complain(r, "does not say what it demands of whom, and where")
	}
	switch {
	case r.NotApplicable != "" && r.Deviates != "":
		c.complain(r, "has two statuses")
	case r.NotApplicable != "" && len(r.Tests) > 0:
		c.complain(r, "has tests although it does not apply")
	case r.Reason() == "" && len(r.Tests) == 0:
		c.complain(r, "has neither a test nor a reason")
	case r.NotApplicable != "" && r.Level >= MustNot && len(strings.Fields(r.NotApplicable)) < minReason:
		c.complain(r, "is a %v and needs a better reason than %q", r.Level, r.NotApplicable)
	}
	for _, name := range r.Tests {
		if err := c.test(name); err != nil {
			c.complain(r, "%w", err)
		}
	}
}

// TestName is a test as Rule.Tests names it.
type TestName struct{ Folder, Function, Subtest string }

// ParseTest splits an entry of Rule.Tests.
func ParseTest(name string) (TestName, error) {
	dot := strings.Index(name, ".Test")
	if dot <= 0 {
		return TestName{}, fmt.Errorf("%q is no test: want folder.TestName or folder.TestName/subtest", name)
	}
	t := TestName{Folder: name[:dot]}
	t.Function, t.Subtest, _ = strings.Cut(name[dot+1:], "/")
	return t, nil
}

// test reports whether a test exists: its function in the test files of its
// folder, and the name of a subtest as a literal in the same file.
func (c *checker) test(name string) error {
	t, err := ParseTest(name)
	if err != nil {
		return err
	}
	folder, err := c.folder(t.Folder)
	if err != nil {
		return err
	}
	literals, ok := folder.functions[t.Function]
	if !ok {
		return fmt.Errorf("there is no %s in %s", t.Function, t.Folder)
	}
	if t.Subtest != "" && !literals[t.Subtest] {
		return fmt.Errorf("%s in %s has no subtest %q", t.Function, t.Folder, t.Subtest)
	}
	return nil
}

// testFiles are the tests of one folder, each with the string literals of its file.
type testFiles struct{ functions map[string]map[string]bool }

func (c *checker) folder(name string) (*testFiles, error) {
	if f := c.folders[name]; f != nil {
		return f, nil
	}
	files, err := fs.Glob(c.module, name+"/*_test.go")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("there are no tests in %s", name)
	}
	f := &testFiles{functions: map[string]map[string]bool{}}
	for _, file := range files {
		source, err := fs.ReadFile(c.module, file)
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f.add(tree)
	}
	c.folders[name] = f
	return f, nil
}

func (f *testFiles) add(tree *ast.File) {
	literals := map[string]bool{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil {
				literals[text] = true
			}
		}
		return true
	})
	for _, d := range tree.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			f.functions[fn.Name.Name] = literals
		}
	}
}
