package names

import (
	"fmt"
	"net/url"
	"strings"

	"moqedge/moq/wire"
)

// ParseNamespace reads a namespace; the empty text is the one without fields.
func ParseNamespace(text string) (wire.Namespace, error) {
	if text == "" {
		return nil, nil
	}
	var ns wire.Namespace
	size := 0
	for part := range strings.SplitSeq(text, "/") {
		field, err := ParseName(part)
		if err != nil {
			return nil, err
		}
		if field == "" {
			return nil, fmt.Errorf("namespace %q has an empty field: separate fields by single slashes", text)
		}
		ns = append(ns, field)
		size += len(field)
	}
	if len(ns) > wire.MaxNamespaceFields || size > wire.MaxFullTrackName {
		return nil, fmt.Errorf("namespace %.80q is too long: at most %d fields and %d bytes", text, wire.MaxNamespaceFields, wire.MaxFullTrackName)
	}
	return ns, nil
}

// ParseName reads a track name, or one field of a namespace.
func ParseName(text string) (string, error) {
	name, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("name %q: a %% is written as %%25", text)
	}
	return name, nil
}

// Namespace is the inverse of ParseNamespace.
func Namespace(ns wire.Namespace) string {
	parts := make([]string, len(ns))
	for i, field := range ns {
		parts[i] = url.PathEscape(field)
	}
	return strings.Join(parts, "/")
}

// Name is the inverse of ParseName.
func Name(name string) string { return url.PathEscape(name) }
