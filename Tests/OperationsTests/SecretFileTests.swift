import FoundationEssentials
import Secrets
import TestKit
import Testing

@testable import Operations

@Suite struct `Settings that files hold` {
    /// A file of its own for each test, with these bytes.
    private func file(_ text: String) throws -> String {
        try file(Array(text.utf8))
    }

    private func file(_ bytes: [UInt8]) throws -> String {
        let folder = TestServers.folder("secrets")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/secret"
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    @Test(arguments: [
        ("STRIPE_API_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "s"), ("PAYPAL_CLIENT_SECRET", "s"), ("SENDGRID_API_KEY", "s"), ("TWILIO_AUTH_TOKEN", "s"),
        ("CONSUL_HTTP_TOKEN", "s"), ("WHARF_AMQP_URL", "amqps://u:p@h/"), ("WHARF_AMQP_URL_CARTS", "amqps://u:p@h/"), ("WHARF_POSTGRES_URL", "postgres://u:p@h/x"),
        ("WHARF_POSTGRES_URL_AUDIT", "postgres://u:p@h/x"), ("WHARF_REDIS_URL", "rediss://:p@h"), ("WHARF_RABBITMQ_MANAGEMENT_URL", "https://u:p@h"),
        ("WHARF_MAIL_URL", "smtp://u:p@h"),
    ])
    func `every setting that may hold a secret may be given as a file`(name: String, value: String) throws {
        let path = try file(value)
        let settings = try Settings(environment: ["\(name)_FILE": path])
        let row = try #require(settings.table().first { $0.name == name })
        #expect(row.source == .file && row.meaning.contains("\(name)_FILE"))
        #expect(settings.warnings.isEmpty)
        #expect(try Settings.readingFiles(["\(name)_FILE": path, "PATH": "/bin"]) == [name: value, "PATH": "/bin"])

        let both = #expect(throws: SettingError.self) { try Settings(environment: ["\(name)_FILE": path, name: value]) }
        #expect(both?.name == "\(name)_FILE")
        for spoilt in [value + "\n", " " + value, value + "\r\n", "\t" + value, "", "\n"] {
            let error = #expect(throws: SettingError.self) { try Settings(environment: ["\(name)_FILE": file(spoilt)]) }
            #expect(error?.name == "\(name)_FILE")
            #expect(error?.description.contains("u:p") == false && error?.description.contains("sk_test_1") == false)
        }
    }

    @Test func `a file that is unreadable, not text or too large is rejected`() throws {
        for path in ["/nonexistent", "/", try file([0xFF]), "/dev/zero", try file(String(repeating: "x", count: SecretFile.maximumBytes + 1))] {
            let error = #expect(throws: SettingError.self) { try Settings(environment: ["STRIPE_WEBHOOK_SECRET_FILE": path]) }
            #expect(error?.name == "STRIPE_WEBHOOK_SECRET_FILE")
        }
    }

    @Test func `a file's contents are checked as the variable would be, and hidden as well`() throws {
        let key = #expect(throws: SettingError.self) { try Settings(environment: ["STRIPE_API_KEY_FILE": file("pk_test_secret")]) }
        #expect(key?.name == "STRIPE_API_KEY_FILE" && key?.description.contains("secret_") == false && key?.given == "(hidden)")
        let url = #expect(throws: SettingError.self) { try Settings(environment: ["WHARF_AMQP_URL_FILE": file("amqps://u:hush@h:x")]) }
        #expect(url?.name == "WHARF_AMQP_URL_FILE" && url?.description.contains("hush") == false)
    }

    @Test func `several secrets for webhooks are valid at the same time`() throws {
        #expect(try Settings(environment: ["STRIPE_WEBHOOK_SECRET": "whsec_1,whsec_2"]).stripe.webhookSecrets.map(\.exposed) == ["whsec_1", "whsec_2"])
        for wrong in ["whsec_1,", ",whsec_1", "whsec_1,,whsec_2", "whsec_1, whsec_2"] {
            let error = #expect(throws: SettingError.self) { try Settings(environment: ["STRIPE_WEBHOOK_SECRET": wrong]) }
            #expect(error?.name == "STRIPE_WEBHOOK_SECRET" && error?.given == "(hidden)")
        }
    }

    @Test func `an empty file variable is not set`() throws {
        #expect(try Settings(environment: ["STRIPE_WEBHOOK_SECRET_FILE": "", "STRIPE_WEBHOOK_SECRET": "s"]).stripe.webhookSecrets.map(\.exposed) == ["s"])
    }

    @Test func `a setting that is not a secret is read from no file`() throws {
        #expect(try Settings(environment: ["WHARF_HTTP_ADDRESS_FILE": "/x"]).warnings.first?.contains("is not a setting") == true)
    }
}
