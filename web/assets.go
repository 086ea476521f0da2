package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

// asset is one embedded file as it is served. It is never changed after
// loadAssets returned.
type asset struct {
	body        []byte
	contentType string
	etag        string
}

// loadAssets collects what /assets/ serves: all of dist, and the files of
// static that are not templates.
func loadAssets(fsys fs.FS) (map[string]asset, error) {
	assets := make(map[string]asset)
	for _, dir := range []string{"dist", "static"} {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return nil, fmt.Errorf("web: assets: %w", err)
		}
		for _, e := range entries {
			contentType := contentTypeOf(e.Name())
			if e.IsDir() || contentType == "" {
				continue
			}
			body, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
			if err != nil {
				return nil, fmt.Errorf("web: assets: %w", err)
			}
			if _, twice := assets[e.Name()]; twice {
				return nil, fmt.Errorf("web: assets: both dist and static hold %s", e.Name())
			}
			sum := sha256.Sum256(body)
			assets[e.Name()] = asset{body: body, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
		}
	}
	return assets, nil
}

// contentTypeOf is fixed here because the system's table differs between
// machines. Empty: not an asset.
func contentTypeOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

// serve answers GET and HEAD, also with conditions. Names carry no version, so
// browsers ask every time and mostly hear 304.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache")
	// The player may be used on other sites' pages.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}
