package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
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

// The page's table has every key, in order, and no other.
func TestDocumentedKeys(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z.0-9]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, m[1])
	}
	want := paths(reflect.TypeFor[Config](), "")
	if strings.Join(documented, "\n") != strings.Join(want, "\n") {
		t.Errorf("documented:\n%s\nwant:\n%s", strings.Join(documented, "\n"), strings.Join(want, "\n"))
	}
}

// paths returns all keys below a type; those of a relay to connect to are
// explained once.
func paths(t reflect.Type, prefix string) []string {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Duration]() || prefix == "bridge.publishTo" || prefix == "upstream" {
		return nil
	}
	var all []string
	for _, f := range reflect.VisibleFields(t) {
		if key := keyOf(f); key != "" {
			path := join(prefix, key)
			all = append(append(all, path), paths(f.Type, path)...)
		}
	}
	return all
}
