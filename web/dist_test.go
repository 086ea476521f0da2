package web

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What is committed in dist is what the sources build, byte for byte.
func TestDistIsBuiltFromSources(t *testing.T) {
	if _, err := os.Stat(filepath.Join("node_modules", "esbuild")); err != nil {
		t.Fatalf("the bundler is not installed: run \"npm ci\" in web/ (Node 20 or newer), or \"make test\", which does so: %v", err)
	}
	out := filepath.Join(t.TempDir(), "dist")
	cmd := exec.CommandContext(t.Context(), "node", "build.mjs", "--out", out)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("node build.mjs (needs Node 20 or newer): %v\n%s", err, b)
	}
	built, committed := read(t, os.DirFS(out)), read(t, sub(t))
	for name, body := range built {
		if got, ok := committed[name]; !ok {
			t.Errorf("dist/%s is missing: run \"npm run build\" in web/ and commit dist", name)
		} else if !bytes.Equal(got, body) {
			t.Errorf("dist/%s is not what the sources build: run \"npm run build\" in web/ and commit dist", name)
		}
	}
	for name := range committed {
		if _, ok := built[name]; !ok {
			t.Errorf("dist/%s is built from nothing: delete it", name)
		}
	}
}

func sub(t *testing.T) fs.FS {
	t.Helper()
	dist, err := fs.Sub(content, "dist")
	if err != nil {
		t.Fatal(err)
	}
	return dist
}

func read(t *testing.T, fsys fs.FS) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(fsys, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
