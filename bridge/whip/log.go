package whip

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs sends what pion logs to slog, all of it at debug level: what matters
// to an operator is logged by the session itself.
type pionLogs struct{ log *slog.Logger }

func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{p.log.With("scope", scope)}
}

type pionLog struct{ log *slog.Logger }

func (l pionLog) write(text string) { l.log.Debug("webrtc", "text", text) }

func (l pionLog) writef(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.write(fmt.Sprintf(format, args...))
	}
}

// Trace messages are one per packet and are left out.
func (pionLog) Trace(string)          {}
func (pionLog) Tracef(string, ...any) {}

func (l pionLog) Debug(text string)            { l.write(text) }
func (l pionLog) Debugf(f string, args ...any) { l.writef(f, args...) }
func (l pionLog) Info(text string)             { l.write(text) }
func (l pionLog) Infof(f string, args ...any)  { l.writef(f, args...) }
func (l pionLog) Warn(text string)             { l.write(text) }
func (l pionLog) Warnf(f string, args ...any)  { l.writef(f, args...) }
func (l pionLog) Error(text string)            { l.write(text) }
func (l pionLog) Errorf(f string, args ...any) { l.writef(f, args...) }
