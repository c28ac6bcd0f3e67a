import FoundationEssentials
import Logging
import Secrets
import TestKit
import Testing

@testable import Operations

@Suite struct `Settings of a running role` {
    private let folder = TestServers.folder("live-settings")
    private var path: String { "\(folder)/secret" }

    private func write(_ text: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private func live(_ name: String, _ log: RecordedLines = RecordedLines()) throws -> LiveSettings {
        LiveSettings(try Settings(environment: ["\(name)_FILE": path]), logger: log.logger(.info))
    }

    @Test func `a file that is overwritten or replaced is read again`() throws {
        try write("whsec_1")
        let live = try live("STRIPE_WEBHOOK_SECRET")
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_1"])
        // In place, as with a file that a container engine has mounted.
        try write("whsec_1,whsec_2")
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_1", "whsec_2"])
        // By a link to another folder, as Kubernetes does.
        try FileManager.default.removeItem(atPath: path)
        try Data("whsec_2,whsec_3".utf8).write(to: URL(filePath: "\(folder)/other"))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "other")
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_2", "whsec_3"])
    }

    @Test func `contents that cannot be used are reported once, without the secret, and change nothing`() throws {
        let log = RecordedLines()
        try write("amqps://catalog:first@broker/")
        let live = try live("WHARF_AMQP_URL_CATALOG", log)
        for spoilt in ["amqps://catalog:hush@bro ker/", "amqps://catalog:hush@broker/\n", "amqp://catalog:hush@broker/", ""] {
            let before = log.lines.count
            try write(spoilt)
            for _ in 1...3 { #expect(live.current.amqpURL(for: "catalog") == "amqps://catalog:first@broker/") }
            let new = log.lines.dropFirst(before).map { "\($0.message) \($0.metadata)" }
            #expect(new.count == 1 && new.allSatisfy { $0.contains("WHARF_AMQP_URL_CATALOG_FILE") && !$0.contains("hush") }, "\(new)")
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(live.current.amqpURL(for: "catalog") == "amqps://catalog:first@broker/")
        try write("amqps://catalog:second@broker/")
        #expect(live.current.amqpURL(for: "catalog") == "amqps://catalog:second@broker/")
    }

    @Test func `a change between the start and the first use is noticed`() throws {
        try write("sk_test_1")
        let settings = try Settings(environment: ["STRIPE_API_KEY_FILE": path])
        try write("sk_test_22")
        let live = LiveSettings(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(live.current.stripe.apiKey?.exposed == "sk_test_22")
    }
}
