import FoundationEssentials
import Glibc
import Logging
import Runtime
import Secrets
import Synchronization
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

    @Test func `a file is not read again while nothing has changed it`() throws {
        try write("whsec_1")
        // By this clock, the last change is long past.
        let clock = LaterClock()
        let live = LiveSettings(try Settings(environment: ["STRIPE_WEBHOOK_SECRET_FILE": path]), clock: clock, logger: RecordedLines().logger(.info))
        let other = "\(folder)/other"
        try Data("whsec_2".utf8).write(to: URL(filePath: other))
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_1"])
        let read = clock.readings
        for _ in 1...3 { #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_1"]) }
        #expect(clock.readings == read)
        // The file is replaced by another of the same size, which was written before the first read.
        #expect(unsafe rename(other, path) == 0)
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_2"])
    }

    @Test func `a change that leaves no trace in the file's times is noticed`() throws {
        try write("whsec_1")
        let live = try live("STRIPE_WEBHOOK_SECRET")
        for number in 2...9 {
            #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_\(number - 1)"])
            try write("whsec_\(number)")
        }
        #expect(live.current.stripe.webhookSecrets.map(\.exposed) == ["whsec_9"])
    }

    @Test func `a change between the start and the first use is noticed`() throws {
        try write("sk_test_1")
        let settings = try Settings(environment: ["STRIPE_API_KEY_FILE": path])
        try write("sk_test_22")
        let live = LiveSettings(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(live.current.stripe.apiKey?.exposed == "sk_test_22")
    }
}

/// A clock that is a minute ahead of the file system, and counts how often it is read.
private final class LaterClock: WallClock {
    private let count = Atomic(0)
    var readings: Int { count.load(ordering: .relaxed) }

    func now() -> Date {
        count.add(1, ordering: .relaxed)
        return Date(timeIntervalSinceNow: 60)
    }

    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
