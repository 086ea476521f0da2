package acme

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"go.uber.org/zap/zapcore"
)

// core writes what certmagic logs to slog. What it calls information is for who looks
// for an error: each step of each certificate.
type core struct{ log *slog.Logger }

func newCore(log *slog.Logger) zapcore.Core { return &core{log} }

func level(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// Enabled implements zapcore.LevelEnabler.
func (c *core) Enabled(l zapcore.Level) bool { return c.log.Enabled(context.Background(), level(l)) }

// With implements zapcore.Core.
func (c *core) With(fields []zapcore.Field) zapcore.Core { return &core{c.log.With(values(fields)...)} }

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	attrs := values(fields)
	if e.LoggerName != "" {
		attrs = append([]any{"part", e.LoggerName}, attrs...)
	}
	l := level(e.Level)
	if slices.ContainsFunc(fields, cancelled) {
		l = slog.LevelDebug // nothing failed: somebody ends what was asked for
	}
	c.log.Log(context.Background(), l, e.Message, attrs...)
	return nil
}

// cancelled reports whether a field is the error of what was ended on purpose.
func cancelled(f zapcore.Field) bool {
	err, ok := f.Interface.(error)
	return ok && errors.Is(err, context.Canceled)
}

// Sync implements zapcore.Core.
func (c *core) Sync() error { return nil }

// values are the fields as slog takes them, in the order of their names.
func values(fields []zapcore.Field) []any {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	attrs := make([]any, 0, 2*len(m.Fields))
	for _, k := range slices.Sorted(maps.Keys(m.Fields)) {
		attrs = append(attrs, k, m.Fields[k])
	}
	return attrs
}
