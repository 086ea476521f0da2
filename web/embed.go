package web

import "embed"

// content holds the bundles (dist) and the page templates, style sheet and
// icon (static). It is read only.
//
//go:embed dist static
var content embed.FS
