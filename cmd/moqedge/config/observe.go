package config

// Metrics says what is measured, see [observing](observing.md).
type Metrics struct {
	// MaxTracks is how many tracks `/metrics/track` tells of, those with the most
	// subscribers first.
	MaxTracks int `yaml:"maxTracks" reload:"live" default:"100"`
}

// AccessLog says where a line is written for each session, subscription, publication
// and ingest that is over.
type AccessLog struct {
	// File is appended to, one JSON object a line; `-` is the standard output. It is
	// opened again when it was moved away, and on SIGHUP.
	File string `yaml:"file" reload:"live" without:"there is none"`
}

// Qlog says of which connections qlog files are written.
type Qlog struct {
	// Dir is the folder of the files, `*.sqlog`.
	Dir string `yaml:"dir" reload:"sessions" without:"none are written"`
	// Sample is N: one of N connections is logged.
	Sample int `yaml:"sample" reload:"sessions" default:"100"`
	// MaxFiles is how many there may be; the oldest goes for a new one.
	MaxFiles int `yaml:"maxFiles" reload:"sessions" default:"100"`
	// MaxBytes is how large all of them may be; one has at most an eighth of it.
	MaxBytes Size `yaml:"maxBytes" reload:"sessions" default:"1GiB"`
}

func (c Config) validateObserving() error {
	var f findings
	f.note(c.Metrics.MaxTracks < 0, "metrics.maxTracks: must not be negative")
	f.note(c.Qlog.Sample < 0, "qlog.sample: must not be negative: 1 logs all connections, 100 one of a hundred")
	f.note(c.Qlog.MaxFiles < 0, "qlog.maxFiles: must not be negative")
	return f.found()
}
