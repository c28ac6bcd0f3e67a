import Secrets
import Testing

@testable import Operations

/// For every setting, values that must stop a process at its start, each rejected by its name.
@Suite struct `Settings that cannot be used` {
    private static let httpBases = ["STRIPE_API_BASE", "PAYPAL_API_BASE", "SENDGRID_API_BASE", "TWILIO_API_BASE", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    private static let secrets = [
        "STRIPE_WEBHOOK_SECRET", "PAYPAL_CLIENT_SECRET", "SENDGRID_API_KEY", "TWILIO_AUTH_TOKEN", "CONSUL_HTTP_TOKEN", "STRIPE_API_KEY",
    ]
    /// Text after `scheme://` that never leads to a server.
    private static let authorities = [
        "", ":5000", "/x", "[::", "[::g]", "[]", "h:port", "h:notaport", "h:0", "h:65536", "h:-1", "h:+1", "h:99999999999999999999", "a b", "h%20", "h\t", "h\n",
        "256.0.0.1", "-h", "h..x", "u:p@", "u:p@:1", "user:%zz@h", "user:%0a@h", "user:%ff@h", "h:1,i:x", "h,", ",h", "h#x",
    ]

    private func refusal(_ environment: [String: String]) -> SettingError? {
        #expect(throws: SettingError.self, "\(environment)") { try Settings(environment: environment) }
    }

    private func expectRefusal(_ name: String, _ value: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: SettingError.self, "\(name)=\(value)", sourceLocation: sourceLocation) {
            try Settings(environment: [name: value])
        }
        #expect(error?.name == name, sourceLocation: sourceLocation)
        #expect(error?.accepted.isEmpty == false, sourceLocation: sourceLocation)
    }

    @Test(
        arguments: [
            ("WHARF_AMQP_URL", "amqps://"), ("WHARF_AMQP_URL_CARTS", "amqps://"), ("WHARF_AMQP_URL", "amqp://"), ("WHARF_POSTGRES_URL", "postgres://"),
            ("WHARF_POSTGRES_URL_AUDIT", "postgresql://"), ("WHARF_REDIS_URL", "redis://"), ("WHARF_REDIS_URL", "rediss://"),
            ("WHARF_RABBITMQ_MANAGEMENT_URL", "http://"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://"), ("WHARF_MAIL_URL", "smtp://"), ("WHARF_MAIL_URL", "smtps://"),
        ] + httpBases.map { ($0, "https://") } + [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://")])
    func `a URL that leads nowhere is rejected, whatever is wrong with it`(name: String, scheme: String) {
        for authority in Self.authorities {
            expectRefusal(name, scheme + authority)
        }
    }

    @Test(arguments: [
        ("WHARF_HTTP_ADDRESS", "localhost"), ("WHARF_HTTP_ADDRESS", "localhost:70000"), ("WHARF_HTTP_ADDRESS", "localhost:+80"), ("WHARF_HTTP_ADDRESS", "-a:80"),
        ("WHARF_CORS_ORIGINS", "*"), ("WHARF_CORS_ORIGINS", "null"), ("WHARF_CORS_ORIGINS", "shop.example.com"), ("WHARF_CORS_ORIGINS", "https://shop.example.com/"),
        ("WHARF_CORS_ORIGINS", "https://Shop.example.com"), ("WHARF_CORS_ORIGINS", "https://shop.example.com:443"), ("WHARF_CORS_ORIGINS", "https://a,,https://b"),
        ("WHARF_CORS_ORIGINS", "https://a:0"), ("WHARF_CORS_ORIGINS", "https://"), ("WHARF_CORS_ORIGINS", "https://*.example.com"), ("WHARF_CORS_ORIGINS", "https://a b"),
        ("WHARF_CACHE_SECONDS", "-1"), ("WHARF_CACHE_SECONDS", "61"), ("WHARF_CACHE_SECONDS", "nan"), ("WHARF_CACHE_SECONDS", "1s"), ("WHARF_DRAIN_SECONDS", "31"), ("WHARF_TRUSTED_PROXIES", "proxy"),
        ("WHARF_TRUSTED_PROXIES", "10.0.0.0/33"), ("WHARF_TRUSTED_PROXIES", "10.0.0.1/8"), ("WHARF_TRUSTED_PROXIES", "10.0.0.0/"),
        ("WHARF_TRUSTED_PROXIES", "10.0.0"), ("WHARF_TRUSTED_PROXIES", "010.0.0.1"), ("WHARF_TRUSTED_PROXIES", "::1,,::2"), ("WHARF_TRUSTED_PROXIES", "::1%lo"),
        ("WHARF_TRUSTED_PROXIES", "1:2:3:4:5:6:7:8:9"), ("WHARF_TRUSTED_PROXIES", "*"), ("WHARF_TRUSTED_PROXIES", "::/129"),
        ("WHARF_ADMIN_ADDRESS", "::1:80"), ("WHARF_ADMIN_ADDRESS", "1.2.3:80"),
        ("WHARF_AMQP_URL", "http://rabbit"), ("WHARF_AMQP_URL", "amqps://h?heartbeat=0"), ("WHARF_AMQP_URL", "amqps://h?verify=no"), ("WHARF_AMQP_URL", "amqps://h/a/b"),
        ("WHARF_AMQP_URL", "amqps://:p@h"), ("WHARF_AMQP_URL", "amqps://h/%0a"), ("WHARF_AMQP_URL_CARTS", "rabbit"), ("WHARF_AMQP_URL", "amqps://a,,b"), ("WHARF_AMQP_URL", "amqps://a,b c"),
        ("WHARF_POSTGRES_URL", "postgres:///x"), ("WHARF_POSTGRES_URL", "host=h port=1"), ("WHARF_POSTGRES_URL", "postgres://h:1,i:2,j:z/x"),
        ("WHARF_POSTGRES_URL", "postgres://h,i/x?port=1,2,3"), ("WHARF_POSTGRES_URL", "postgres://:%00@h"), ("WHARF_POSTGRES_URL", "postgres://h/x?sslmode=on"),
        ("WHARF_POSTGRES_URL", "postgres://h/x?colour=red"),
        ("WHARF_POSTGRES_URL", "postgres://h/x?target_session_attrs=writable"), ("WHARF_POSTGRES_URL", "postgres://h/x?connect_timeout=soon"),
        ("WHARF_POSTGRES_URL", "postgres://h/x?host=i,"), ("WHARF_POSTGRES_URL", "postgres://h/x?port=z"),
        ("WHARF_REDIS_URL", "redis://127.0.0.1/x"), ("WHARF_REDIS_URL", "redis://127.0.0.1:"), ("WHARF_REDIS_URL", "redis://127.0.0.1/-1"), ("WHARF_REDIS_URL", "redis://127.0.0.1/0/1"),
        ("WHARF_REDIS_URL", "redis://127.0.0.1/0?db=1"), ("WHARF_REDIS_URL", "redis://127.0.0.1?cacertfile=/x"), ("WHARF_REDIS_URL", "rediss://h?cacertfile="),
        ("WHARF_RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:15672?x"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://u:p@a,,b"),
        ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://u:p@a:1,b:x"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "http://u:p@127.0.0.1,rabbit.example"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "127.0.0.1:15672"),
        ("STRIPE_API_BASE", "stripe.com"), ("STRIPE_API_BASE", "https:/stripe.com"), ("STRIPE_API_BASE", "https://stripe.com?x"),
        ("STRIPE_API_BASE", "https://stripe.com#x"), ("STRIPE_API_BASE", "https://key@stripe.com"), ("STRIPE_API_BASE", "https://stripe.com:"), ("PAYPAL_API_BASE", "ftp://h"),
        ("WHARF_MAIL_URL", "pop3://x"), ("WHARF_MAIL_URL", "file:"), ("WHARF_MAIL_URL", "file://"), ("WHARF_MAIL_URL", "file:///"), ("WHARF_MAIL_URL", "file:/"),
        ("WHARF_MAIL_URL", "file://host/mail"), ("WHARF_MAIL_URL", "file:/mail%zz"), ("WHARF_MAIL_URL", "file:/mail%00"), ("WHARF_MAIL_URL", "file:/mail?x"),
        ("WHARF_MAIL_URL", "sendgrid://key"), ("WHARF_MAIL_URL", "sendgrid:"), ("WHARF_MAIL_URL", "smtp://127.0.0.1?tls=no"), ("WHARF_MAIL_URL", "mail"),
        ("WHARF_MAIL_FROM", "shop"), ("WHARF_MAIL_FROM", "Shop <shop@example.com"), ("WHARF_MAIL_FROM", "a@b\r\nBcc: c@d"),
        ("CONSUL_HTTP_ADDR", "consul"), ("CONSUL_HTTP_ADDR", "consul:0"), ("CONSUL_HTTP_ADDR", "consul:x"), ("CONSUL_HTTP_ADDR", "http://consul:x"),
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("WHARF_CAPTURE", "later"), ("WHARF_GATEWAYS", "klarna"), ("WHARF_GATEWAYS", "stripe,"),
        ("PAYPAL_CLIENT_ID", "a\nb"), ("TWILIO_FROM", "a\u{0}b"), ("OTEL_SERVICE_NAME", "a\u{7F}"),
    ])
    func `a wrong value is rejected with its name, the value and the accepted ones`(name: String, value: String) {
        expectRefusal(name, value)
    }

    @Test(arguments: [
        ("WHARF_HTTP_ADDRESS", "[::1]:8080"), ("WHARF_AMQP_URL", "amqp://u:p%40@[::1]:5673/a%2Fb"), ("WHARF_AMQP_URL", "amqps://h?cacertfile=/ca.pem"),
        ("WHARF_AMQP_URL", "amqps://u:p@a:5671,b,[::1]:5673/v?heartbeat=8"), ("WHARF_AMQP_URL_CARTS", "amqp://127.0.0.1:5672,localhost:5673/"),
        ("WHARF_POSTGRES_URL", "postgres://u:p%40@h:1,i:2/x?sslmode=verify-full&target_session_attrs=read-write"), ("WHARF_POSTGRES_URL", "postgres://h,i:/x"),
        ("WHARF_POSTGRES_URL", "postgres:///x?host=/run/postgresql"), ("WHARF_POSTGRES_URL", "postgresql://[::1]:5432/x"),
        ("WHARF_REDIS_URL", "rediss://u:p%40@h:1/5?cacertfile=/ca.pem"), ("WHARF_REDIS_URL", "redis://:p@127.0.0.1"),
        ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://u:p@h:15671/prefix/"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://u:p@a:15671,b,[::1]:1/prefix"), ("STRIPE_API_BASE", "https://h:8443/v"),
        ("STRIPE_API_BASE", "http://[::1]:1"),
        ("WHARF_MAIL_URL", "smtp://u:p%40@h:587"), ("WHARF_MAIL_URL", "smtps://h"), ("WHARF_MAIL_URL", "file:mail"), ("WHARF_MAIL_URL", "file:///var/mail%20s"),
        ("WHARF_MAIL_FROM", "Shop <shop@example.com>"), ("CONSUL_HTTP_ADDR", "consul:8500"), ("CONSUL_HTTP_ADDR", "https://consul"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
    ])
    func `a valid URL is accepted`(name: String, value: String) throws {
        _ = try Settings(environment: [name: value])
    }

    // MARK: Secrets

    @Test(arguments: secrets, [" s", "s ", "s\n", "s\r\n", "\ts", "s s", "s\u{A0}", "s\u{200B}", "\u{FEFF}s", "s\u{0}"])
    func `white space in a secret is rejected by name, and the secret is not shown`(name: String, value: String) {
        let value = name == "STRIPE_API_KEY" ? value.replacing("s", with: "sk_test_s") : value
        let error = refusal([name: value])
        #expect(error?.name == name && error?.given == "(hidden)")
        #expect(error?.description.contains("white space") == true)
    }

    @Test(arguments: ["SG.secret", "AAAA", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=", "-----BEGIN"])
    func `a key that verifies nothing is rejected, and not shown`(key: String) {
        let error = refusal(["SENDGRID_WEBHOOK_KEY": key])
        #expect(error?.name == "SENDGRID_WEBHOOK_KEY" && error?.given == "(hidden)" && error?.accepted.contains("Base64") == true)
    }

    @Test(arguments: ["pk_live_1", "pk_test_1", "whsec_1", "1"])
    func `a Stripe key that is not a secret key is rejected`(key: String) {
        let error = refusal(["STRIPE_API_KEY": key])
        #expect(error?.name == "STRIPE_API_KEY" && error?.given == "(hidden)")
    }

    @Test(
        arguments: ["sk_live_1", "rk_live_1", "sk_1"],
        [
            "http://127.0.0.1:12111", "http://sandbox:12111", "https://stripe.example", "https://api.stripe.com.example", "https://api.stripe.com:8443", "http://api.stripe.com",
        ])
    func `a live key is sent to Stripe and nowhere else`(key: String, base: String) {
        let error = refusal(["STRIPE_API_KEY": key, "STRIPE_API_BASE": base, "WHARF_INSECURE_HOSTS": "sandbox,api.stripe.com"])
        #expect(error?.name == "STRIPE_API_BASE")
        #expect(error?.description.contains(key) == false)
    }

    @Test(arguments: ["https://api.stripe.com", "https://api.stripe.com/", "https://API.stripe.com:443", ""])
    func `a live key is sent to Stripe`(base: String) throws {
        #expect(try Settings(environment: ["STRIPE_API_KEY": "sk_live_1", "STRIPE_API_BASE": base]).stripe.apiKey?.exposed == "sk_live_1")
    }

    @Test(arguments: [
        ("WHARF_AMQP_URL", "amqp://u:secret@rabbit/"), ("WHARF_AMQP_URL_CARTS", "amqps://u:secret@rabbit/?verify=verify_none"),
        ("WHARF_AMQP_URL", "amqp://u:secret@127.0.0.1,rabbit/"), ("WHARF_REDIS_URL", "redis://:secret@rabbit"), ("WHARF_REDIS_URL", "redis://rabbit"),
        ("WHARF_RABBITMQ_MANAGEMENT_URL", "http://u:secret@rabbit:15672"), ("STRIPE_API_BASE", "http://rabbit"), ("PAYPAL_API_BASE", "http://rabbit"),
        ("SENDGRID_API_BASE", "http://rabbit"), ("TWILIO_API_BASE", "http://rabbit:1/x"),
    ])
    func `connections to another machine use TLS, unless a setting names it`(name: String, value: String) throws {
        let error = refusal([name: value, "WHARF_INSECURE_HOSTS": "rabbit.example,abbit"])
        #expect(error?.name == name)
        #expect(error?.description.contains("WHARF_INSECURE_HOSTS") == true)
        #expect(error?.description.contains("secret") == false)
        _ = try Settings(environment: [name: value, "WHARF_INSECURE_HOSTS": "Rabbit"])
        _ = try Settings(environment: [name: value.replacing("rabbit", with: "localhost")])
    }

    @Test func `Consul's token is sent to another machine by TLS only`() throws {
        for address in ["consul:8500", "http://consul:8500"] {
            let environment = ["CONSUL_HTTP_ADDR": address, "CONSUL_HTTP_TOKEN": "t"]
            #expect(refusal(environment)?.name == "CONSUL_HTTP_ADDR")
            _ = try Settings(environment: environment.merging(["WHARF_INSECURE_HOSTS": "consul"]) { $1 })
        }
        _ = try Settings(environment: ["CONSUL_HTTP_ADDR": "https://consul", "CONSUL_HTTP_TOKEN": "t"])
    }

    @Test(arguments: [
        ("WHARF_AMQP_URL", "amqp://user:se@cr/et@h:x"), ("WHARF_AMQP_URL", "amqps://user:secret@a:1,b:x"), ("WHARF_POSTGRES_URL", "postgres://h:x/y?password=secret"),
        ("WHARF_REDIS_URL", "redis:/:secret@h"),
        ("WHARF_POSTGRES_URL", "postgres://h:x/y?passwor%64=secret"), ("WHARF_POSTGRES_URL", "postgres://h:x/y?sslpassword=secret&a=b"),
        ("WHARF_MAIL_URL", "smtp://me:secret"), ("WHARF_MAIL_URL", "me:secret@h"), ("STRIPE_API_BASE", "https://secret@h"), ("WHARF_REDIS_URL", "redis://h?auth=secret"),
    ])
    func `a rejected URL is shown without its secrets`(name: String, value: String) {
        let error = refusal([name: value])
        #expect(error?.name == name)
        #expect(error?.description.contains("secret") == false, "\(error?.description ?? "")")
        #expect(error?.description.contains("cr/et") == false)
    }
}
