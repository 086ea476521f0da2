package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// asset is one embedded file as it is served. It is never changed after
// loadAssets returned.
type asset struct {
	body        []byte
	compressed  []byte // by gzip; nil: it would not be smaller
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
			compressed, err := compress(body)
			if err != nil {
				return nil, fmt.Errorf("web: assets: %w", err)
			}
			assets[e.Name()] = asset{body: body, compressed: compressed, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
		}
	}
	return assets, nil
}

// compress returns nil for what does not become smaller. A new connection carries 14 KB
// in its first round trip and twice as much in each after it (RFC 6928).
func compress(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if out.Len() >= len(body) {
		return nil, nil
	}
	return out.Bytes(), nil
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

// versionOf stands for the content of all assets.
func versionOf(assets map[string]asset) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		_, _ = io.WriteString(sum, name+assets[name].etag) // hashes take all
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// acceptsGzip reads a list of codings (RFC 9110 §12.5.3).
func acceptsGzip(list string) bool {
	for item := range strings.SplitSeq(list, ",") {
		coding, parameters, _ := strings.Cut(strings.TrimSpace(item), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q, weighted := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
			return !weighted || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

// serve answers GET and HEAD, also with conditions. versioned: it was asked for by the
// version that it has, so what is answered never changes. By its bare name browsers ask
// every time, and mostly hear 304.
func (a asset) serve(w http.ResponseWriter, r *http.Request, versioned bool) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if versioned {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	// The player may be used on other sites' pages.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	body, etag := a.body, a.etag
	// Parts are parts of the whole, not of its compressed form.
	if a.compressed != nil && r.Header.Get("Range") == "" && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, etag = a.compressed, strings.TrimSuffix(a.etag, `"`)+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
