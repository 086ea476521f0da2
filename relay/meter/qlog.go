package meter

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"
)

// QlogConfig says of which connections qlog files are kept, and how much. The zero
// value: of none.
type QlogConfig struct {
	// Dir is where they are, and nothing else that ends with .sqlog; it is made. "":
	// none are written.
	Dir string
	// Sample is N: one of N connections is logged; 0 means 100.
	Sample int
	// MaxFiles and MaxBytes bound what is in Dir: the oldest files go for new ones; 0
	// means 100 and 1 GiB. One file has at most an eighth of the bytes.
	MaxFiles int
	MaxBytes int64
}

func (c QlogConfig) withDefaults() QlogConfig {
	c.Sample = cmp.Or(c.Sample, 100)
	c.MaxFiles = cmp.Or(c.MaxFiles, 100)
	c.MaxBytes = cmp.Or(c.MaxBytes, 1<<30)
	return c
}

// Qlog writes qlog files of some connections (quic.Config.Tracer). Its methods are safe
// for concurrent use. Each file has a goroutine that ends with the connection.
type Qlog struct {
	log     *slog.Logger
	seen    atomic.Uint64
	skipped atomic.Uint64
	open    sync.WaitGroup

	mu     sync.Mutex // guards what follows, and is taken for connections that are logged alone
	config QlogConfig
	files  []*qlogFile   // the oldest first
	bytes  *atomic.Int64 // in all files of the folder; added to without mu
	ailing bool          // the last file that was ended, or was to be made, was not written
}

// qlogFile is one file, which an open one is written to by one goroutine.
type qlogFile struct {
	path  string
	bytes atomic.Int64
	open  atomic.Bool
}

// NewQlog returns what writes no files until Set.
func NewQlog(log *slog.Logger) *Qlog { return &Qlog{log: log, bytes: new(atomic.Int64)} }

// Set changes which connections that come from now on are logged. The error says why
// the folder can not be used; nothing changes then.
func (q *Qlog) Set(c QlogConfig) error {
	c = c.withDefaults()
	var files []*qlogFile
	var bytes int64
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o750); err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(c.Dir, "*"+qlogEnding))
		if err != nil {
			return err
		}
		slices.Sort(found) // they begin with their times
		for _, path := range found {
			info, err := os.Stat(path)
			if err != nil {
				continue // it is gone
			}
			f := &qlogFile{path: path}
			f.bytes.Store(info.Size())
			bytes += info.Size()
			files = append(files, f)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.Dir == q.config.Dir { // what is known of its files is better
		q.config = c
		return nil
	}
	q.config, q.files = c, files // those of before stay where they are, and count no more
	q.bytes = new(atomic.Int64)
	q.bytes.Store(bytes)
	return nil
}

const qlogEnding = ".sqlog"

// Tracer is quic.Config.Tracer.
func (q *Qlog) Tracer(_ context.Context, isClient bool, id quic.ConnectionID) qlogwriter.Trace {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.config
	if c.Dir == "" || (q.seen.Add(1)-1)%uint64(c.Sample) != 0 {
		return nil
	}
	if !q.room() {
		q.skipped.Add(1)
		return nil
	}
	f := &qlogFile{path: filepath.Join(c.Dir, fmt.Sprintf("%s-%s%s", time.Now().UTC().Format("20060102T150405.000"), id, qlogEnding))}
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		q.fails(f.path, err)
		return nil
	}
	f.open.Store(true)
	q.files = append(q.files, f)
	trace := qlogwriter.NewConnectionFileSeq(&qlogWriter{qlog: q, sum: q.bytes, file: f, to: file, buffer: bufio.NewWriterSize(file, qlogBuffer), most: c.MaxBytes / 8, all: c.MaxBytes}, isClient, id, []string{qlog.EventSchema})
	q.open.Go(trace.Run)
	return trace
}

const qlogBuffer = 16 << 10

// fails counts a connection without a file, or with a part of one, and tells when that
// begins. The caller holds mu.
func (q *Qlog) fails(path string, err error) {
	q.skipped.Add(1)
	if !q.ailing {
		q.ailing = true
		q.log.Error("qlog file not written, connections go without", "file", path, "error", err)
	}
}

// ended notes how the writing of a file has ended. One that the disk did not take whole is
// removed: a disk that is full is not to have new ones without content take the place of
// those that are there.
func (q *Qlog) ended(f *qlogFile, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.fails(f.path, err)
		if i := slices.Index(q.files, f); i >= 0 && os.Remove(f.path) == nil {
			q.bytes.Add(-f.bytes.Load())
			q.files = slices.Delete(q.files, i, i+1)
		}
	} else if q.ailing {
		q.ailing = false
		q.log.Info("qlog files are written again", "skipped", q.skipped.Load())
	}
}

// room removes old files until there is room for one more; false means that those that
// are being written take all. The caller holds mu.
func (q *Qlog) room() bool {
	for len(q.files) >= q.config.MaxFiles || q.bytes.Load() > q.config.MaxBytes-q.config.MaxBytes/8 {
		i := slices.IndexFunc(q.files, func(f *qlogFile) bool { return !f.open.Load() })
		if i < 0 {
			return false
		}
		f := q.files[i]
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return false
		}
		q.bytes.Add(-f.bytes.Load())
		q.files = slices.Delete(q.files, i, i+1)
	}
	return true
}

// Counts are how many files there are, their bytes, and how many connections that were
// chosen have none. They are zero for nil.
func (q *Qlog) Counts() (files int, bytes int64, skipped uint64) {
	if q == nil {
		return 0, 0, 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.files), q.bytes.Load(), q.skipped.Load()
}

// Wait waits until the files of connections that have ended are written.
func (q *Qlog) Wait() { q.open.Wait() }

// qlogWriter writes one file, up to a size: what is behind it is left out, and so is
// what a disk does not take. A connection is not to suffer from either.
type qlogWriter struct {
	qlog      *Qlog
	sum       *atomic.Int64 // of the folder
	file      *qlogFile
	to        *os.File
	buffer    *bufio.Writer
	most, all int64
	full      bool
	failed    error // of the disk
}

// Write implements io.Writer; it always succeeds.
func (w *qlogWriter) Write(b []byte) (int, error) {
	n := int64(len(b))
	if w.full {
		return len(b), nil
	}
	if w.file.bytes.Load()+n > w.most || w.sum.Load()+n > w.all {
		w.full = true
		return len(b), nil
	}
	w.sum.Add(n)
	w.file.bytes.Add(n)
	if _, err := w.buffer.Write(b); err != nil {
		w.full, w.failed = true, err
	}
	return len(b), nil
}

// Close implements io.Closer.
func (w *qlogWriter) Close() error {
	err := w.buffer.Flush()
	if closed := w.to.Close(); err == nil {
		err = closed
	}
	w.file.open.Store(false)
	if w.failed == nil {
		w.failed = err
	}
	w.qlog.ended(w.file, w.failed)
	return err
}
