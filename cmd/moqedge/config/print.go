package config

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Print writes the configuration as YAML that Parse reads, with defaults filled in,
// secrets masked, and behind each value where it comes from.
func (s *Settings) Print(w io.Writer) error {
	p := &printer{settings: s}
	p.section(reflect.ValueOf(s.Config.Filled()), "", 0)
	_, err := io.WriteString(w, p.text.String())
	return err
}

type printer struct {
	settings *Settings
	text     strings.Builder
	bullet   bool // the next line begins an entry of a list
}

// line writes one, indented by two for each level.
func (p *printer) line(level int, text, comment string) {
	indent := strings.Repeat("  ", level)
	if p.bullet {
		indent, p.bullet = indent[:len(indent)-2]+"- ", false
	}
	if comment != "" {
		text = fmt.Sprintf("%-*s # %s", max(0, 40-len(indent)), text, comment)
	}
	p.text.WriteString(indent + text + "\n")
}

func (p *printer) section(v reflect.Value, path string, level int) {
	for _, m := range members(v.Type()) {
		p.member(v.FieldByIndex(m.field.Index), m, join(path, m.key), level)
	}
}

func (p *printer) member(v reflect.Value, m member, path string, level int) {
	from := p.from(m, path)
	switch {
	case m.kind == section && v.Kind() == reflect.Pointer && v.IsNil():
		p.line(level, m.key+": null", from)
	case m.kind == section:
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if on, switched := switchOf(v.Type()); switched && !v.FieldByIndex(on.Index).Bool() {
			p.line(level, m.key+": false", from)
			return
		}
		if _, given := p.settings.origins[path]; !given {
			from = "" // that of what is in it says enough
		}
		p.line(level, m.key+":", from)
		p.section(v, path, level+1)
	case m.kind == sections && v.Len() == 0:
		p.line(level, m.key+": []", from)
	case m.kind == sections:
		p.line(level, m.key+":", "")
		for i := range v.Len() {
			p.bullet = true
			p.section(v.Index(i), fmt.Sprintf("%s[%d]", path, i), level+2)
		}
	default:
		p.line(level, m.key+": "+written(v, m), from)
	}
}

// from is the comment that says where a value comes from.
func (p *printer) from(m member, path string) string {
	o, given := p.settings.origins[path]
	if without := m.field.Tag.Get("without"); !given && without != "" {
		return "default: " + without
	}
	return o.String()
}

// written is a scalar, a list or a mapping in one line.
func written(v reflect.Value, m member) string {
	texts := textsOf(v, m)
	for i, text := range texts {
		texts[i] = scalarText(text, m.kind == scalar && v.Kind() != reflect.String)
	}
	switch m.kind {
	case scalars:
		return "[" + strings.Join(texts, ", ") + "]"
	case mapping:
		var pairs []string
		for i := 0; i < len(texts); i += 2 {
			pairs = append(pairs, texts[i]+": "+texts[i+1])
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	return texts[0]
}

var plainText = regexp.MustCompile(`^[A-Za-z0-9/.:_][A-Za-z0-9/.:_+-]*[A-Za-z0-9/_+-]$|^[A-Za-z0-9/]$`)

// scalarText is a scalar as YAML has it, quoted when it could be taken for another one.
func scalarText(text string, exact bool) string {
	if exact && text != "" {
		return text
	}
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if !plainText.MatchString(text) {
		return strconv.Quote(text)
	}
	return text
}
