package meter

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/relay"
)

// Stdout is the name of a log that goes to the standard output.
const Stdout = "-"

const (
	maxQueue = 4096        // lines that wait for the disk
	maxBatch = 64 << 10    // bytes of one write
	patience = time.Second // of Close, with a disk that takes nothing
)

// Log writes lines to a file, from a goroutine of its own that ends with Close. What it
// can not write in time is dropped and counted. Its methods are safe for concurrent use
// and, but Close, do not block.
type Log struct {
	path   string
	log    *slog.Logger
	queue  chan []byte
	reopen chan struct{} // holds one
	stop   chan struct{}
	once   sync.Once
	done   chan struct{}

	lines, overflown, failed atomic.Uint64

	// Of the goroutine:
	file    *os.File
	ailing  bool // the last write, or attempt to open the file, failed
	pending []int
	batch   []byte
}

// OpenLog begins a log in a file, which is appended to, or made for its owner and group
// to read; Stdout is the standard output. A file that is moved away, as by logrotate, is
// made anew with the next line. The caller closes the log.
func OpenLog(path string, log *slog.Logger) (*Log, error) {
	l := &Log{
		path: path, log: log, queue: make(chan []byte, maxQueue),
		reopen: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if l.file, err = l.open(); err != nil {
		return nil, err
	}
	go l.run()
	return l, nil
}

func (l *Log) open() (*os.File, error) {
	if l.path == Stdout {
		return os.Stdout, nil
	}
	return os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
}

// Add writes the line of a record, soon.
func (l *Log) Add(r relay.Record) {
	select {
	case l.queue <- encode(r):
	default:
		l.overflown.Add(1)
	}
}

// Reopen has the file opened again, as after it was moved away.
func (l *Log) Reopen() {
	select {
	case l.reopen <- struct{}{}:
	default:
	}
}

// Counts are how many lines were written, dropped because too many waited, and dropped
// because the disk did not take them.
func (l *Log) Counts() (lines, overflown, failed uint64) {
	return l.lines.Load(), l.overflown.Load(), l.failed.Load()
}

// Close writes what waits and closes the file. With a disk that does not answer it
// gives up after a second.
func (l *Log) Close() {
	l.once.Do(func() { close(l.stop) })
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
		l.log.Error("access log not closed: the disk does not answer", "file", l.path)
	}
}

func (l *Log) run() {
	defer close(l.done)
	defer func() {
		if l.path != Stdout {
			_ = l.file.Close() // all that was written is told of
		}
	}()
	for {
		select {
		case b := <-l.queue:
			l.take(b)
		case <-l.reopen:
			l.renew()
		case <-l.stop:
			for {
				select {
				case b := <-l.queue:
					l.take(b)
				default:
					return
				}
			}
		}
	}
}

// take writes a line, and those that wait behind it.
func (l *Log) take(b []byte) {
	l.batch, l.pending = append(l.batch[:0], b...), append(l.pending[:0], len(b))
	for len(l.batch) < maxBatch {
		select {
		case b := <-l.queue:
			l.batch, l.pending = append(l.batch, b...), append(l.pending, len(b))
			continue
		default:
		}
		break
	}
	if l.moved() {
		l.renew()
	}
	l.write()
}

// moved reports whether the file is not what is found under its name.
func (l *Log) moved() bool {
	if l.path == Stdout {
		return false
	}
	there, err := os.Stat(l.path)
	if err != nil {
		return os.IsNotExist(err)
	}
	open, err := l.file.Stat()
	return err == nil && !os.SameFile(open, there)
}

// renew opens the file anew. When that fails, the old one is gone on with.
func (l *Log) renew() {
	if l.path == Stdout {
		return
	}
	f, err := l.open()
	if err != nil {
		l.fail(fmt.Errorf("not opened again: %w", err))
		return
	}
	_ = l.file.Close()
	l.file = f
}

// write writes the batch. Of a disk that takes a part of it, the part of a line is
// taken off again.
func (l *Log) write() {
	n, err := l.file.Write(l.batch)
	whole, lines := 0, 0
	for lines < len(l.pending) && whole+l.pending[lines] <= n {
		whole += l.pending[lines]
		lines++
	}
	l.lines.Add(uint64(lines))
	if err == nil {
		if l.ailing {
			l.ailing = false
			l.log.Info("access log is written again", "file", l.path, "dropped", l.failed.Load())
		}
		return
	}
	l.failed.Add(uint64(len(l.pending) - lines))
	if n > whole {
		if info, known := l.file.Stat(); known == nil && info.Mode().IsRegular() {
			_ = l.file.Truncate(info.Size() - int64(n-whole)) // else that line is torn
		}
	}
	l.fail(err)
}

// fail tells once of what goes on.
func (l *Log) fail(err error) {
	if !l.ailing {
		l.ailing = true
		l.log.Error("access log not written, lines are dropped", "file", l.path, "error", err)
	}
}
