package admin

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of the description.
type object = map[string]any

// describe is the OpenAPI 3.1 document of the routes. The schemas come from the types of
// their answers, so that they can not differ from them.
func describe(routes []route, version string) []byte {
	schemas := object{}
	paths := map[string]object{}
	for _, r := range routes {
		at := strings.ReplaceAll(r.path, "{$}", "")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at][strings.ToLower(r.method)] = operation(r, schemas)
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "moqedge admin", "version": cmp.Or(version, "devel"),
			"description": "What operators see of a node, and what they can do to it. Times are RFC 3339, durations nanoseconds, sizes bytes. Names of tracks and namespaces are in the printable form of MOQT (moqt-18 §1.5). Errors are JSON as well, with status and error.",
		},
		"paths": paths,
		"components": object{
			"schemas": schemas,
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "admin.token of the configuration, when it is set"},
				"basic":  object{"type": "http", "scheme": "basic", "description": "the same as the password, with any user name"},
			},
		},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // the table is ours, and tests look at it
	}
	return append(text, '\n')
}

func operation(r route, schemas object) object {
	answers := object{}
	statuses := slices.Sorted(maps.Keys(r.answers))
	for _, status := range statuses {
		body, media := r.answers[status], cmp.Or(r.media, "application/json")
		a := object{"description": http.StatusText(status)}
		switch {
		case body != nil:
			a["content"] = object{"application/json": object{"schema": schemaOf(reflect.TypeOf(body), schemas)}}
		case media == "application/json":
			a["content"] = object{media: object{"schema": object{"type": "object"}}}
		default:
			a["content"] = object{media: object{"schema": object{"type": "string"}}}
		}
		answers[strconv.Itoa(status)] = a
	}
	if !r.open {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
			answers[strconv.Itoa(status)] = object{
				"description": http.StatusText(status),
				"content":     object{"application/json": object{"schema": schemaOf(reflect.TypeFor[Failure](), schemas)}},
			}
		}
	}
	op := object{"operationId": r.name, "summary": r.summary, "responses": answers}
	if r.open {
		op["security"] = []any{}
	} else {
		op["security"] = []any{object{}, object{"bearer": []any{}}, object{"basic": []any{}}}
	}
	var params []any
	for _, p := range r.params {
		where := "query"
		if p.inPath {
			where = "path"
		}
		schema := object{"type": "string"}
		if p.number {
			schema = object{"type": "integer", "minimum": 1}
		}
		if len(p.values) > 0 {
			schema["enum"] = p.values
		}
		params = append(params, object{"name": p.name, "in": where, "required": p.required, "description": p.about, "schema": schema})
	}
	if params != nil {
		op["parameters"] = params
	}
	return op
}

// schemaOf is the schema of a type, a reference for a struct with a name.
func schemaOf(t reflect.Type, schemas object) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[time.Duration]():
		return object{"type": "integer", "description": "nanoseconds"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), schemas)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), schemas)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem(), schemas)}
	case reflect.Struct:
		name := schemaName(t)
		if _, known := schemas[name]; !known {
			schemas[name] = object{} // for types that have themselves
			schemas[name] = structSchema(t, schemas)
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	panic("admin: no schema for " + t.String()) // a type of the table is wrong: tests see it
}

// schemaName tells types of several packages from each other.
func schemaName(t reflect.Type) string {
	pkg := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	if pkg == "admin" {
		return t.Name()
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
}

func structSchema(t reflect.Type, schemas object) object {
	properties, required := object{}, []string{}
	for _, f := range fieldsOf(t) {
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		properties[name] = schemaOf(f.Type, schemas)
		if rest != "omitempty" && rest != "omitzero" {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// fieldsOf are the fields that JSON has, those of embedded structs included.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var all []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		if top, ok := t.FieldByName(f.Name); ok && slices.Equal(top.Index, f.Index) { // not one that is hidden
			all = append(all, f)
		}
	}
	return all
}

func (s *Server) serveDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.description) // who asked is gone otherwise
}
