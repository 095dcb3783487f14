# contain: build, check, bench, install.
#
#   make                     build everything
#   make check               install what the tests need (Debian packages, as root), and run all tests
#   make docs                manual pages and completions, anew from the tables of options
#   make audit               what there is to audit of the helper and of contain-init, into SECURITY.md
#   make bench               measure against the floor and the peers that are installed
#   make install             DESTDIR= PREFIX=/usr/local LIBDIR=$(PREFIX)/lib HELPER_MODE=none (README.md has the rest)
#   make PROGRAM_TARGET=     the programs for the host's C library also where Rust's musl target is installed
#   make uninstall           takes the same variables

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/contain
# Where AppArmor's profiles are; empty for none.
APPARMORDIR ?= /etc/apparmor.d
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
DESTDIR ?=
# How contain-idmap, the helper for delegated ids, is installed: none (not at all), fcaps (with the file capabilities
# cap_setuid,cap_setgid+ep) or setuid (root, 4755; with HELPER_GROUP 4750, for that group's members alone).
HELPER_MODE ?= none
HELPER_GROUP ?=

CARGO ?= cargo
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# Where the programs look for contain-init when it cannot be run from memory: fixed at build time.
export CONTAIN_LIBEXECDIR_DEFAULT := $(LIBEXECDIR)

PROGRAMS := contain inject pseudo
# Rust's target with musl, where it is installed (rustup target add x86_64-unknown-linux-musl): the programs are built for
# it, and then start sooner and are smaller. Empty: for the host's own C library.
PROGRAM_TARGET ?= $(shell folder=$$(rustc --print target-libdir --target x86_64-unknown-linux-musl 2>/dev/null) && \
	[ -d "$$folder" ] && echo x86_64-unknown-linux-musl)
PROGRAMS_BUILT = $(TARGET)/$(if $(PROGRAM_TARGET),$(PROGRAM_TARGET)/)release

.PHONY: build check docs audit bench install install-data uninstall clean helper-mode install-helper uninstall-helper

build:
	$(CARGO) build --release --locked
	$(if $(PROGRAM_TARGET),$(CARGO) build --release --locked --package contain-cli --target $(PROGRAM_TARGET))
	$(CARGO) build --locked --package contain-init --package contain-idmap --profile core

check:
	tests/run

docs:
	$(CARGO) run --locked --package contain-cli --example documents

audit:
	python3 tests/metadata/audit.py --write
	python3 tests/metadata/audit.py

bench: build
	$(CARGO) build --release --locked --package contain-python
	python3 tests/bench/bench.py --contain $(TARGET)/release/contain \
		--musl $(TARGET)/x86_64-unknown-linux-musl/release/contain

helper-mode:
	@case '$(HELPER_MODE)' in \
	none|setuid) ;; \
	fcaps) command -v setcap >/dev/null || PATH=$$PATH:/sbin:/usr/sbin command -v setcap >/dev/null || \
	{ echo 'HELPER_MODE=fcaps: setcap is not installed (package libcap2-bin or libcap)' >&2; exit 1; } ;; \
	*) echo 'HELPER_MODE=$(HELPER_MODE): must be none, fcaps or setuid' >&2; exit 1 ;; \
	esac
	@[ -z '$(HELPER_GROUP)' ] || [ '$(HELPER_MODE)' = setuid ] || { echo 'HELPER_GROUP goes with HELPER_MODE=setuid' >&2; exit 1; }

# The one privileged file. It gets its owner, then its mode: never set-uid for somebody else. Its folder must be root's.
install-helper: helper-mode
	rm -f '$(DESTDIR)$(LIBEXECDIR)/contain-idmap'
ifneq ($(HELPER_MODE),none)
	install -d -m 755 '$(DESTDIR)$(LIBEXECDIR)'
	install -m 755 -o 0 -g $(if $(HELPER_GROUP),'$(HELPER_GROUP)',0) $(TARGET)/core/contain-idmap '$(DESTDIR)$(LIBEXECDIR)/'
endif
ifeq ($(HELPER_MODE),setuid)
	chmod $(if $(HELPER_GROUP),4750,4755) '$(DESTDIR)$(LIBEXECDIR)/contain-idmap'
endif
ifeq ($(HELPER_MODE),fcaps)
	PATH=$$PATH:/sbin:/usr/sbin setcap cap_setuid,cap_setgid+ep '$(DESTDIR)$(LIBEXECDIR)/contain-idmap'
endif

uninstall-helper:
	rm -f '$(DESTDIR)$(LIBEXECDIR)/contain-idmap'
	-rmdir '$(DESTDIR)$(LIBEXECDIR)' 2>/dev/null

install: helper-mode build
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBEXECDIR)'
	for program in $(PROGRAMS); do install -m 755 $(PROGRAMS_BUILT)/$$program '$(DESTDIR)$(BINDIR)/' || exit 1; done
	install -m 755 $(TARGET)/core/contain-init '$(DESTDIR)$(LIBEXECDIR)/'
	$(MAKE) --no-print-directory install-helper
	TARGET='$(TARGET)' capi/install.sh '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)'
	$(MAKE) --no-print-directory install-data

# What needs no building: the AppArmor profile, manual pages, completions.
install-data:
	[ -z '$(APPARMORDIR)' ] || { install -d '$(DESTDIR)$(APPARMORDIR)' && \
	sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|' apparmor/contain-init.in >'$(DESTDIR)$(APPARMORDIR)/contain-init' && \
	chmod 644 '$(DESTDIR)$(APPARMORDIR)/contain-init'; }
	for page in docs/man/*; do install -D -m 644 "$$page" '$(DESTDIR)$(MANDIR)'/man$${page##*.}/"$${page##*/}" || exit 1; done
	install -d '$(DESTDIR)$(BASHCOMPDIR)' '$(DESTDIR)$(ZSHCOMPDIR)' '$(DESTDIR)$(FISHCOMPDIR)'
	for program in $(PROGRAMS); do \
	install -m 644 cli/completions/$$program.bash '$(DESTDIR)$(BASHCOMPDIR)'/$$program && \
	install -m 644 cli/completions/_$$program '$(DESTDIR)$(ZSHCOMPDIR)'/_$$program && \
	install -m 644 cli/completions/$$program.fish '$(DESTDIR)$(FISHCOMPDIR)'/$$program.fish || exit 1; done

uninstall:
	for program in $(PROGRAMS); do rm -f "$(DESTDIR)$(BINDIR)/$$program" '$(DESTDIR)$(BASHCOMPDIR)'/$$program \
	'$(DESTDIR)$(ZSHCOMPDIR)'/_$$program '$(DESTDIR)$(FISHCOMPDIR)'/$$program.fish; done
	[ -z '$(APPARMORDIR)' ] || rm -f '$(DESTDIR)$(APPARMORDIR)/contain-init'
	for page in docs/man/*; do rm -f '$(DESTDIR)$(MANDIR)'/man$${page##*.}/"$${page##*/}"; done
	rm -f '$(DESTDIR)$(LIBEXECDIR)/contain-init'
	$(MAKE) --no-print-directory uninstall-helper
	TARGET='$(TARGET)' capi/install.sh --uninstall '$(DESTDIR)' '$(PREFIX)' '$(LIBDIR)'

clean:
	$(CARGO) clean
