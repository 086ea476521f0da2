package acme

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"moqedge/certs"
)

// Config says which certificates are wanted of whom. All but Logger and Check is
// required, but of HTTP and TLS one is enough.
type Config struct {
	// Domains are the names; each gets a certificate of its own.
	Domains []string
	// Email is where the authority writes to when something is wrong.
	Email string
	// Agreed says that the terms of the authority were read and are agreed to.
	Agreed bool
	// Directory is the URL of the authority's directory. "": Let's Encrypt.
	Directory string
	// Roots are what the authority's own HTTPS is checked against. nil: the system's.
	Roots *x509.CertPool
	// Storage is the folder for account, keys and certificates.
	Storage string
	// HTTP is the TCP address, HOST:PORT, that the authority reaches as port 80, for
	// HTTP-01; "": that is not offered. Whoever listens there asks Handler; while nobody
	// does, it is opened for the time of a challenge. TLS is the same for port 443 and
	// TLS-ALPN-01, with Challenge.
	HTTP, TLS string
	// Check is how often is looked whether something has to be renewed, which is when a
	// third of its life is left, or when the authority says. 0: 10 minutes.
	Check time.Duration
	// Logger gets what is obtained, renewed, and fails. nil: nothing.
	Logger *slog.Logger
}

// Validate reports what is wrong with c, in words that begin with the name of the field.
func (c Config) Validate() error {
	if len(c.Domains) == 0 {
		return errors.New("domains: give the names that the certificates are for")
	}
	for i, d := range c.Domains {
		switch {
		case strings.HasPrefix(d, "*."):
			return fmt.Errorf("domains: %q: certificates with wildcards are given by DNS-01 alone, which is not spoken here: have another program get it, and give cert and key", d)
		case !certmagic.SubjectQualifiesForCert(d) || strings.ContainsAny(d, ":/*") || net.ParseIP(d) != nil:
			return fmt.Errorf("domains: %q is no name that an authority signs: give it as media.example.org", d)
		case slices.Contains(c.Domains[:i], d):
			return fmt.Errorf("domains: %q is there twice", d)
		}
	}
	if at := strings.LastIndexByte(c.Email, '@'); at < 1 || at == len(c.Email)-1 || strings.ContainsAny(c.Email, " \t,") {
		return fmt.Errorf("email: %q is no address: the authority writes there when something is wrong", c.Email)
	}
	if u, err := url.Parse(c.Directory); c.Directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("directory: %q: want the https:// URL of an ACME directory", c.Directory)
	}
	switch {
	case !c.Agreed:
		return errors.New("agree: the authority gives certificates to those who agree to its terms: read them, then set it to true")
	case c.Storage == "":
		return errors.New("storage: give a folder for account, keys and certificates: without one each start would ask for new ones, which authorities limit")
	case c.HTTP == "" && c.TLS == "":
		return errors.New("listen: the authority has to reach this machine: give the TCP address that it reaches as port 443, or serve pages at the one for port 80 (http.listen)")
	}
	for _, a := range []string{c.HTTP, c.TLS} {
		if port, err := portOf(a); a != "" && (err != nil || port == 0) {
			return fmt.Errorf("listen: %q: the authority has to find it: give HOST:PORT or :PORT", a)
		}
	}
	return nil
}

func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return int(n), err
}

// obtainLimit bounds one attempt to get a certificate.
const obtainLimit = 90 * time.Second

// Source keeps certificates of an authority. It is safe for concurrent use. The
// goroutines of certmagic and one that looks at the ends of certificates run until Close.
type Source struct {
	log     *slog.Logger
	check   time.Duration
	magic   *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	cache   *certmagic.Cache
	domains atomic.Pointer[[]string]

	ctx   context.Context // ended by Close
	end   func()          // ends what is certmagic's, and ctx
	tasks sync.WaitGroup
}

var _ certs.Challenger = (*Source)(nil)

// New takes what is stored, and asks nobody yet: see Obtain. The caller closes the
// Source.
func New(c Config) (*Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Source{log: log, check: cmp.Or(c.Check, certmagic.DefaultRenewCheckInterval)}
	var stop context.CancelFunc
	s.ctx, stop = context.WithCancel(context.Background())
	quiet := zap.New(newCore(log))
	s.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return s.magic, nil },
		RenewCheckInterval: s.check,
		Logger:             quiet,
	})
	s.end = sync.OnceFunc(func() {
		stop()
		s.cache.Stop()
	})
	s.magic = certmagic.New(s.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: c.Storage}, Logger: quiet, OnEvent: s.told,
		OCSP: certmagic.OCSPConfig{DisableStapling: true}, // authorities give it up, and it would wait for them
	})
	template := certmagic.ACMEIssuer{
		CA: cmp.Or(c.Directory, certmagic.LetsEncryptProductionCA), Email: c.Email, Agreed: true, TrustedRoots: c.Roots,
		DisableHTTPChallenge: c.HTTP == "", DisableTLSALPNChallenge: c.TLS == "", CertObtainTimeout: obtainLimit, Logger: quiet,
	}
	template.AltHTTPPort, _ = portOf(c.HTTP) // valid, or 0
	template.AltTLSALPNPort, _ = portOf(c.TLS)
	http, _, _ := net.SplitHostPort(c.HTTP)
	alpn, _, _ := net.SplitHostPort(c.TLS)
	if c.HTTP == "" || c.TLS == "" || http == alpn {
		template.ListenHost = cmp.Or(http, alpn)
	}
	s.issuer = certmagic.NewACMEIssuer(s.magic, template)
	s.magic.Issuers = []certmagic.Issuer{s.issuer}
	for _, d := range c.Domains {
		if _, err := s.load(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.end()
			return nil, fmt.Errorf("storage: what is kept for %s can not be used: %w", d, err)
		}
	}
	s.domains.Store(new(slices.Clone(c.Domains)))
	s.tasks.Go(s.watch)
	return s, nil
}

// load takes what is stored of a domain.
func (s *Source) load(domain string) (certmagic.Certificate, error) {
	return s.magic.CacheManagedCertificate(s.ctx, domain)
}

// Obtain asks the authority, once, for what is not stored or has ended. Domains for
// which it fails are tried again after a minute and then after 1, 2, 2, 5 minutes and so
// on up to 6 hours; the error is for when there is no certificate for any of them.
// Whoever answers challenges does so already. It ends at once when ctx is cancelled.
func (s *Source) Obtain(ctx context.Context) error {
	domains := *s.domains.Load()
	var faults []error
	have := 0
	for _, d := range domains {
		err := s.obtain(ctx, d)
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		if err != nil {
			s.log.Error("the authority gives no certificate, trying again later", "domain", d, "directory", s.issuer.CA, "err", err)
			faults = append(faults, fmt.Errorf("%s: %w", d, err))
		}
		if _, found := s.newest(d); found {
			have++
		}
	}
	if have == 0 {
		return fmt.Errorf("the authority at %s gives no certificate, and none is stored: %w", s.issuer.CA, errors.Join(faults...))
	}
	if len(faults) > 0 {
		s.tasks.Go(s.retry)
	}
	return nil
}

// retryAfter is how long the authority is left alone after the first refusal.
const retryAfter = time.Minute

// retry goes on with what Obtain did not get.
func (s *Source) retry() {
	t := time.NewTimer(retryAfter)
	defer t.Stop()
	select {
	case <-t.C:
		s.manage()
	case <-s.ctx.Done():
	}
}

// manage asks for what is not there yet, in goroutines of certmagic that end with
// s.ctx.
func (s *Source) manage() {
	if err := s.magic.ManageAsync(s.ctx, *s.domains.Load()); err != nil {
		s.log.Error("certificates are not asked for", "err", err)
	}
}

// obtain is Obtain for one domain.
func (s *Source) obtain(ctx context.Context, domain string) error {
	stored, err := s.load(domain)
	switch {
	case err == nil && !stored.Expired():
		return nil // if it is to be renewed that is done later
	case err == nil:
		err = s.magic.RenewCertSync(ctx, domain, false)
	case errors.Is(err, fs.ErrNotExist):
		err = s.magic.ObtainCertSync(ctx, domain)
	}
	if err != nil {
		return err
	}
	_, err = s.load(domain)
	return err
}

// SetDomains changes for which names there are certificates. Those that are stored are
// there at once, others when the authority has given them.
func (s *Source) SetDomains(domains []string) {
	if slices.Equal(domains, *s.domains.Load()) {
		return
	}
	var gone []certmagic.SubjectIssuer
	for _, d := range *s.domains.Load() {
		if !slices.Contains(domains, d) {
			gone = append(gone, certmagic.SubjectIssuer{Subject: d})
		}
	}
	s.domains.Store(new(slices.Clone(domains)))
	s.cache.RemoveManaged(gone)
	s.manage()
}

// Certificates is one for each domain that has one, in their order.
func (s *Source) Certificates() []*tls.Certificate {
	var all []*tls.Certificate
	for _, d := range *s.domains.Load() {
		if c, found := s.newest(d); found {
			all = append(all, c)
		}
	}
	return all
}

// newest is the certificate for a domain that lasts longest.
func (s *Source) newest(domain string) (*tls.Certificate, bool) {
	var best *tls.Certificate
	for _, c := range s.cache.AllMatchingCertificates(domain) {
		if best == nil || c.Leaf.NotAfter.After(best.Leaf.NotAfter) {
			best = &c.Certificate
		}
	}
	return best, best != nil
}

// Challenge implements certs.Challenger.
func (s *Source) Challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.magic.GetCertificate(hello)
}

// Handler answers HTTP-01 and leaves all else to next.
func (s *Source) Handler(next http.Handler) http.Handler { return s.issuer.HTTPChallengeHandler(next) }

// Reload takes from the storage what another process has renewed there.
func (s *Source) Reload() error {
	var faults []error
	for _, d := range *s.domains.Load() {
		if _, err := s.load(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, fmt.Errorf("%s: %w", d, err))
		}
	}
	return errors.Join(faults...)
}

// watch warns of certificates that are not renewed in time, until Close.
func (s *Source) watch() {
	expiries := map[string]*certs.Expiry{}
	t := time.NewTicker(s.check)
	defer t.Stop()
	for {
		domains := *s.domains.Load()
		for _, d := range domains {
			if c, found := s.newest(d); found {
				if expiries[d] == nil {
					expiries[d] = certs.NewExpiry(s.log.With("domain", d))
				}
				expiries[d].Look(time.Now(), c)
			}
		}
		for d := range expiries {
			if !slices.Contains(domains, d) {
				delete(expiries, d)
			}
		}
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// told logs what operators want to know of certmagic's work.
func (s *Source) told(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cert_obtained":
		s.log.Info("the authority gave a certificate", "domain", data["identifier"], "renewal", data["renewal"])
	case "cert_failed":
		s.log.Warn("the authority refused a certificate", "domain", data["identifier"], "renewal", data["renewal"], "err", data["error"])
	}
	return nil
}

// Close ends what keeps the certificates fresh. Those at hand can still be served.
func (s *Source) Close() error {
	s.end()
	s.tasks.Wait()
	return nil
}
