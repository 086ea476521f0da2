package admin

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

func description(t *testing.T, w *world) *openapi3.T {
	t.Helper()
	rsp, body := w.ask("GET", "/openapi.json")
	if rsp.StatusCode != http.StatusOK {
		t.Fatal(rsp.Status)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// The description is a valid OpenAPI 3.1 document, and has each path with its methods.
func TestDescription(t *testing.T) {
	w := newWorld(t, nil)
	doc := description(t, w)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	var described []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(described)
	want := []string{
		"DELETE /sessions/{id}", "GET /", "GET /cache", "GET /config", "GET /debug/pprof/", "GET /debug/pprof/{profile}", "GET /healthz",
		"GET /namespaces", "GET /openapi.json", "GET /overview", "GET /readyz", "GET /sessions", "GET /stats", "GET /tracks", "GET /tree.svg", "GET /upstreams",
		"POST /cache/purge", "POST /drain",
	}
	if !slices.Equal(described, want) {
		t.Errorf("described:\n%s\nwant:\n%s", strings.Join(described, "\n"), strings.Join(want, "\n"))
	}
}

// check holds an answer against what the description says of it.
func check(t *testing.T, doc *openapi3.T, w *world, method, path, target string, header ...string) error {
	t.Helper()
	rsp, body := w.ask(method, target, header...)
	item := doc.Paths.Value(path)
	r, err := http.NewRequest(method, "http://localhost"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
	}
	kind, _, _ := strings.Cut(rsp.Header.Get("Content-Type"), ";")
	if described := item.GetOperation(method).Responses.Status(rsp.StatusCode); described != nil && described.Value.Content[kind] == nil {
		return fmt.Errorf("%s is not described", kind)
	}
	return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rsp.StatusCode, Header: rsp.Header, Body: io.NopCloser(bytes.NewBufferString(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: kind != "application/json"},
	})
}

// Every answer is what its description says, in content and status.
func TestAnswersAsDescribed(t *testing.T) {
	w := newWorld(t, nil)
	doc := description(t, w)
	seen := map[string]bool{}
	for _, c := range []struct {
		method, path, target string
		header               []string
	}{
		{"GET", "/healthz", "/healthz", nil}, {"GET", "/readyz", "/readyz", nil}, {"GET", "/stats", "/stats", nil},
		{"GET", "/overview", "/overview", nil}, {"GET", "/overview", "/overview?limit=x", nil}, {"GET", "/sessions", "/sessions", nil}, {"GET", "/sessions", "/sessions?limit=1", nil},
		{"GET", "/sessions", "/sessions", []string{"Host", "evil.example"}},
		{"GET", "/tracks", "/tracks", nil}, {"GET", "/tracks", "/tracks?sort=rate", nil}, {"GET", "/tracks", "/tracks?sort=no", nil},
		{"GET", "/namespaces", "/namespaces", nil}, {"GET", "/upstreams", "/upstreams", nil}, {"GET", "/cache", "/cache", nil}, {"GET", "/config", "/config", nil},
		{"GET", "/openapi.json", "/openapi.json", nil}, {"GET", "/", "/", nil}, {"GET", "/tree.svg", "/tree.svg", nil},
		{"GET", "/debug/pprof/", "/debug/pprof/", nil}, {"GET", "/debug/pprof/{profile}", "/debug/pprof/heap", nil}, {"GET", "/debug/pprof/{profile}", "/debug/pprof/no", nil},
		{"POST", "/cache/purge", "/cache/purge?namespace=live", nil}, {"POST", "/cache/purge", "/cache/purge", nil},
		{"POST", "/drain", "/drain", nil}, {"POST", "/drain", "/drain?timeout=x", nil},
		{"DELETE", "/sessions/{id}", "/sessions/99", nil}, {"DELETE", "/sessions/{id}", "/sessions/2", nil},
	} {
		seen[c.method+" "+c.path] = true
		if err := check(t, doc, w, c.method, c.path, c.target, c.header...); err != nil {
			t.Errorf("%s %s: %v", c.method, c.target, err)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !seen[method+" "+path] {
				t.Errorf("%s %s is described and not tried", method, path)
			}
		}
	}
}

// The check finds answers that are not as described: a field that is missing, one that
// is not known, one of another type.
func TestAnswersAsDescribedNegative(t *testing.T) {
	w := newWorld(t, nil)
	for name, spoil := range map[string]func(*openapi3.Schema){
		"missing": func(s *openapi3.Schema) { s.Required = append(s.Required, "rest") },
		"unknown": func(s *openapi3.Schema) { delete(s.Properties, "sessions") },
		"type":    func(s *openapi3.Schema) { s.Properties["sessions"] = openapi3.NewStringSchema().NewRef() },
	} {
		doc := description(t, w)
		if !slices.Contains(slices.Collect(maps.Keys(doc.Components.Schemas)), "Sessions") {
			t.Fatal("no schema Sessions")
		}
		spoil(doc.Components.Schemas["Sessions"].Value)
		if check(t, doc, w, "GET", "/sessions", "/sessions") == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
