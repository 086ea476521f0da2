package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"moqedge/bridge/file"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/peer"
)

// Config of a demo. Addresses may have port 0: the system then chooses one.
type Config struct {
	HTTP   string // TCP address of the pages and WHIP
	Edge   string // UDP address of the edge relay
	Origin string // UDP address of the origin relay
	SRT    string // UDP address for encoders
	// Name that the clip is published under; "" plays no clip.
	Name string
	// CertificateDir keeps the edge's certificate; "" means memory.
	CertificateDir string
}

// Demo is a running demo. Its goroutines end with Close.
type Demo struct {
	config       Config
	origin, edge *node.Node
	stop         context.CancelFunc
	playing      sync.WaitGroup
	failed       chan error // holds one
}

// Start opens all ports, or none, and plays the clip. The caller closes it.
func Start(c Config, log *slog.Logger) (*Demo, error) {
	origin, err := node.Start(context.Background(), config.Config{Name: "origin", Listen: c.Origin}, log)
	if err != nil {
		return nil, err
	}
	toOrigin := peer.Config{URL: "moqt://" + node.Local(origin.Addresses().Relay), Pins: origin.Pins}
	edge, err := node.Start(context.Background(), config.Config{
		Name: "edge", Listen: c.Edge, Upstream: &config.Upstream{Config: toOrigin},
		Certificate: config.Certificate{Development: true, Dir: c.CertificateDir},
		HTTP:        &config.HTTP{Listen: c.HTTP},
		Bridge:      &config.Bridge{SRT: &config.SRT{Listen: c.SRT}, WHIP: config.WHIP{Enabled: true}, PublishTo: &toOrigin},
	}, log)
	if err != nil {
		origin.Close()
		return nil, err
	}
	d := &Demo{config: c, origin: origin, edge: edge, failed: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	if c.Name != "" {
		d.playing.Go(func() {
			if err := file.Play(ctx, edge.Hub(), c.Name, Clip(), log); err != nil {
				d.failed <- fmt.Errorf("the test clip can not be played: %w", err)
			}
		})
	}
	return d, nil
}

// Wait returns nil when ctx is done, or the error of a part that failed.
func (d *Demo) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	case err := <-d.origin.Failed():
		return err
	case err := <-d.edge.Failed():
		return err
	}
}

// Close ends the demo. It returns when every port is free and every goroutine
// has ended.
func (d *Demo) Close() {
	d.stop()
	d.playing.Wait()
	d.edge.Close()
	d.origin.Close()
}

// Addresses says where everything is.
type Addresses struct {
	Player         string `json:"player"` // of the clip, or of the ffmpeg line without one
	Live           string `json:"live"`   // page that lists what is live
	Publish        string `json:"publish"`
	SRT            string `json:"srt"`
	WHIP           string `json:"whip"`
	Edge           string `json:"edge"`     // WebTransport
	EdgeQUIC       string `json:"edgeQUIC"` // raw QUIC
	Origin         string `json:"origin"`
	Fingerprint    string `json:"fingerprint"`
	FingerprintURL string `json:"fingerprintURL"`
	FFmpeg         string `json:"ffmpeg"` // command that publishes cam1
}

// Addresses tells where the demo can be reached.
func (d *Demo) Addresses() Addresses {
	edge := d.edge.Addresses()
	site := "http://" + page(edge.HTTP)
	udp, srt := node.Local(edge.Relay), "srt://"+node.Local(edge.SRT)
	watched := d.config.Name
	if watched == "" {
		watched = camera
	}
	return Addresses{
		Player: site + "/watch/" + watched, Live: site + "/", Publish: site + "/publish/" + camera,
		SRT: srt, WHIP: site + "/whip/",
		Edge: "https://" + udp + "/live", EdgeQUIC: "moqt://" + udp, Origin: "moqt://" + node.Local(d.origin.Addresses().Relay),
		Fingerprint: d.edge.Fingerprint(), FingerprintURL: site + "/certificate.sha256",
		FFmpeg: ffmpeg(srt),
	}
}

// camera is the name that the ffmpeg line publishes.
const camera = "cam1"

// page turns the address of the pages into one for browsers, which allow the
// player on plain HTTP for localhost.
func page(address string) string {
	local := node.Local(address)
	host, port, err := net.SplitHostPort(local)
	if err != nil || host != "127.0.0.1" {
		return local
	}
	return net.JoinHostPort("localhost", port)
}

// ffmpeg is a command that sends a test picture and tone with little delay: by
// default ffmpeg would collect a third of a second of sound into one packet.
func ffmpeg(srt string) string {
	return "ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000" +
		" -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 30 -b:v 2500k -c:a aac -b:a 128k" +
		` -f mpegts -flush_packets 1 -pes_payload_size 0 "` + srt + "?streamid=publish:" + camera + `&pkt_size=1316"`
}
