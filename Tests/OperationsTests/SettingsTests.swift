import Logging
import Testing

@testable import Operations

@Suite struct `Settings of a process` {
    private func refusal(_ environment: [String: String]) -> SettingError? {
        #expect(throws: SettingError.self) { try Settings(environment: environment) }
    }

    @Test func `no setting is required`() throws {
        let settings = try Settings(environment: [:])
        #expect(settings.httpAddress == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(settings.stripe.apiBase == "https://api.stripe.com")
        #expect(settings.stripe.apiKey == nil)
        #expect(settings.logFormat == nil && settings.logLevel == .info)
        #expect(settings.table().allSatisfy { $0.source == .standard })
    }

    @Test func `an empty value is not set`() throws {
        #expect(try Settings(environment: ["STRIPE_API_KEY": "", "WHARF_AMQP_URL_CARTS": ""]).stripe.apiKey == nil)
    }

    @Test func `a service's own URL takes precedence over the common one`() throws {
        let settings = try Settings(environment: [
            "WHARF_AMQP_URL": "amqps://a@common/", "WHARF_AMQP_URL_CATALOG": "amqps://c@own/",
            "WHARF_POSTGRES_URL_ORDERS": "postgresql://o@db/orders?sslmode=verify-full",
        ])
        #expect(settings.amqpURL(for: "catalog") == "amqps://c@own/")
        #expect(settings.amqpURL(for: "carts") == "amqps://a@common/")
        #expect(settings.postgresURL(for: "orders") == "postgresql://o@db/orders?sslmode=verify-full")
        #expect(settings.postgresURL(for: "carts") == "postgres://postgres@127.0.0.1:5432/wharf")
    }

    @Test func `no secret is shown, not in errors and not in the table`() throws {
        #expect(refusal(["STRIPE_API_KEY": "sk_live_1\n"])?.given == "(hidden)")
        #expect(refusal(["WHARF_AMQP_URL": "amqpx://user:se@cr/et@rabbit:5672/"])?.given == "\"amqpx://user:***@rabbit:5672/\"")
        let settings = try Settings(environment: [
            "STRIPE_API_KEY": "sk_live_1", "TWILIO_AUTH_TOKEN": "sk_live_2", "CONSUL_HTTP_TOKEN": "sk_live_3",
            "WHARF_REDIS_URL": "rediss://:sk_live_4@redis/", "WHARF_POSTGRES_URL_CARTS": "postgres://db/x?password=sk_live_5&sslmode=require",
            "WHARF_MAIL_URL": "smtp://me:sk_live_6@mail:25",
        ])
        var dumped = "\(settings) \(String(reflecting: settings))"
        dump(settings, to: &dumped)
        #expect(!dumped.contains("sk_live"))
        #expect(!settings.tableText().contains("sk_live"))
        #expect(settings.table().first { $0.name == "STRIPE_API_KEY" }?.value == "(hidden)")
        #expect(settings.table().first { $0.name == "WHARF_POSTGRES_URL_CARTS" }?.value == "postgres://db/x?password=***&sslmode=require")
        #expect(settings.table().first { $0.name == "WHARF_REDIS_URL" }?.value == "rediss://:***@redis/")
    }

    @Test func `the table shows value, source and default of every documented setting`() throws {
        let table = try Settings(environment: ["LOG_LEVEL": "DEBUG"]).table()
        let level = try #require(table.first { $0.name == "LOG_LEVEL" })
        #expect(level.value == "DEBUG" && level.standard == "info" && level.source == .environment)
        #expect(
            Set(table.map(\.name)) == [
                "WHARF_HTTP_ADDRESS", "WHARF_ADMIN_ADDRESS", "WHARF_CONSOLE_ADDRESS", "WHARF_CACHE_SECONDS", "WHARF_DRAIN_SECONDS", "WHARF_CORS_ORIGINS", "WHARF_TRUSTED_PROXIES",
                "WHARF_INSECURE_HOSTS",
                "WHARF_GATEWAYS", "WHARF_CAPTURE", "WHARF_ORDER_RETENTION_DAYS", "WHARF_AMQP_URL", "WHARF_RABBITMQ_MANAGEMENT_URL", "WHARF_POSTGRES_URL", "WHARF_REDIS_URL",
                "STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET", "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET",
                "PAYPAL_API_BASE", "PAYPAL_WEBHOOK_ID", "WHARF_MAIL_URL", "WHARF_MAIL_FROM", "WHARF_TEMPLATES", "SENDGRID_API_KEY", "SENDGRID_API_BASE", "SENDGRID_WEBHOOK_KEY",
                "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "TWILIO_API_BASE", "TWILIO_WEBHOOK_URL", "WHARF_DEAD_LETTER_REPLAY_CAUSES", "WHARF_DEAD_LETTER_REPLAY_GROUPS",
                "WHARF_DEAD_LETTER_REPLAY_AFTER_MINUTES", "WHARF_DEAD_LETTER_REPLAY_TIMES", "WHARF_DEAD_LETTER_ALERT_URL", "WHARF_DEAD_LETTER_ALERT_COMMAND",
                "WHARF_DEAD_LETTER_ALERT_SECRET", "WHARF_DEAD_LETTER_ALERT_RATE", "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN",
                "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "LOG_LEVEL", "LOG_FORMAT", "WHARF_TEST_CLOCK",
            ])
        #expect(table.allSatisfy { !$0.meaning.isEmpty })
    }

    @Test(arguments: [
        ("", "localhost", true), ("", "127.0.0.1", true), ("", "127.8.9.1", true), ("", "::1", true), ("", "[::1]", true), ("", "/run/postgresql", true),
        ("", "rabbitmq", false), ("", "128.0.0.1", false), ("", "::2", false), ("", "localhost.example", false), ("", "127.0.0.1.example", false), ("", "", false),
        ("rabbitmq,Redis.internal", "RABBITMQ", true), ("rabbitmq,Redis.internal", "redis.internal", true), ("rabbitmq", "rabbitmq.example", false),
        ("[fd00::1]", "fd00::1", true), ("10.0.0.7", "10.0.0.7", true), ("10.0.0.7", "10.0.0.70", false),
    ])
    func `plain text is used with this machine and with named hosts, nowhere else`(named: String, host: String, isAllowed: Bool) throws {
        #expect(try Settings(environment: ["WHARF_INSECURE_HOSTS": named]).allowsPlainText(to: host) == isAllowed)
    }

    @Test(arguments: ["rabbit:5672", "amqp://rabbit", "a,,b", ",", "a b", "*", "a, b", "10.0.0.0/8"])
    func `an invalid host name is rejected as an insecure host`(value: String) {
        #expect(refusal(["WHARF_INSECURE_HOSTS": value])?.name == "WHARF_INSECURE_HOSTS")
    }

    @Test(arguments: [
        ("WHARF_DEAD_LETTER_REPLAY_CAUSES", "gateway-unreachable,"), ("WHARF_DEAD_LETTER_REPLAY_CAUSES", "Gateway"),
        ("WHARF_DEAD_LETTER_REPLAY_GROUPS", "7"), ("WHARF_DEAD_LETTER_REPLAY_AFTER_MINUTES", "0"),
        ("WHARF_DEAD_LETTER_REPLAY_AFTER_MINUTES", "1441"), ("WHARF_DEAD_LETTER_REPLAY_TIMES", "21"), ("WHARF_DEAD_LETTER_ALERT_RATE", "-1"),
        ("WHARF_DEAD_LETTER_ALERT_URL", "http://alerts.example.com/x"), ("WHARF_DEAD_LETTER_ALERT_SECRET", "too-short"),
        ("WHARF_DEAD_LETTER_ALERT_COMMAND", "alert.sh"), ("WHARF_DEAD_LETTER_ALERT_COMMAND", "/usr/bin/alert\n"),
    ])
    func `a rule for dead letters that is out of bounds is rejected by name`(name: String, value: String) {
        #expect(refusal([name: value])?.name == name)
    }

    @Test func `a webhook for alerts needs a secret, and nothing happens to dead letters by default`() throws {
        #expect(refusal(["WHARF_DEAD_LETTER_ALERT_URL": "https://alerts.example.com/wharf"])?.name == "WHARF_DEAD_LETTER_ALERT_SECRET")
        let none = try Settings(environment: [:]).deadLetters
        #expect(none.replayCauses.isEmpty && none.alertURL == nil && none.alertCommand == nil)
        #expect(try Settings(environment: ["WHARF_DEAD_LETTER_ALERT_COMMAND": "/usr/bin/alert"]).deadLetters.alertCommand == "/usr/bin/alert", "a command needs no secret")
    }

    @Test func `a mistyped name is reported with the probable one`() throws {
        let warnings = try Settings(environment: [
            "WHARF_HTTP_ADRESS": "x", "WHARF_AMQP_URL_CART": "x", "WHARF_SOMETHING_ELSE": "x", "PATH": "x", "WHARF_AMQP_URL_CARTS": "amqps://x",
        ]).warnings
        #expect(
            warnings == [
                "WHARF_AMQP_URL_CART is not a setting; did you mean WHARF_AMQP_URL_CARTS?",
                "WHARF_HTTP_ADRESS is not a setting; did you mean WHARF_HTTP_ADDRESS?",
                "WHARF_SOMETHING_ELSE is not a setting",
            ])
    }

    @Test(arguments: [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:8080", "::1", 8080), ("rabbit.local:5", "rabbit.local", 5)])
    func `an address is a host and a port`(text: String, host: String, port: Int) {
        #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
        #expect(ListenAddress(text)?.description == text)
    }

    @Test(arguments: ["", ":80", "a", "a:", "a:-1", "a:b", "a:65536", "a/b:1", "a b:1", "[]:1"])
    func `anything else is rejected as an address`(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
