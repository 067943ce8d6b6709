# kmirror in an image: built with everything that it links, run with nothing but it.
#
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t kmirror .
#   docker run -v "$PWD/kmirror.yaml:/etc/kmirror/kmirror.yaml:ro" -p 127.0.0.1:9646:9646 kmirror
#
# For the port to answer outside of the container, the file says `http: { listen: "0.0.0.0:9646" }`.

# The distribution's point release is pinned by the base image; a version pinned beside it vanishes with its next fix.
# hadolint global ignore=DL3008

FROM rust:1.95.0-slim-bookworm AS build
# librdkafka, OpenSSL, zlib and zstd are built from source.
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make perl cmake \
    && rm -rf /var/lib/apt/lists/*
# The image's own toolchain: the file's would be fetched once more, with the lints that only development needs.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src

# The dependencies in a layer of their own, which lasts until a manifest changes: empty crates stand in for the code.
COPY Cargo.toml Cargo.lock ./
COPY broker/Cargo.toml broker/
COPY bench/Cargo.toml bench/
RUN mkdir -p src broker/src bench/src \
    && for file in build.rs src/main.rs bench/src/main.rs; do echo 'fn main() {}' > "$file"; done \
    && touch src/lib.rs broker/src/lib.rs \
    && cargo build --release --locked --package kmirror

COPY build.rs ./
COPY src src
COPY broker/src broker/src
# Cargo goes by times, and those of the code are older than those of its stand-ins.
RUN find build.rs src broker/src -name '*.rs' -exec touch {} +
ARG COMMIT=unknown
RUN KMIRROR_COMMIT="$COMMIT" cargo build --release --locked --package kmirror \
    && strip target/release/kmirror

FROM debian:bookworm-slim
# Authorities that `tls: {}` trusts.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 9646 --no-create-home --shell /usr/sbin/nologin kmirror
COPY --from=build /src/target/release/kmirror /usr/local/bin/
COPY --chmod=755 deploy/healthcheck.sh /usr/local/bin/kmirror-healthcheck
# By number, so that Kubernetes' runAsNonRoot can tell.
USER 9646
EXPOSE 9646
# Alive is who answers /livez; a cluster that is away is no reason to restart. Kubernetes asks by itself and ignores this.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["kmirror-healthcheck"]
# SIGTERM drains; `docker stop` kills after 10 s unless told `--time 30`.
ENTRYPOINT ["kmirror"]
CMD ["run", "-c", "/etc/kmirror/kmirror.yaml"]
