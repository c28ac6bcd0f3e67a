import Foundation
import TestKit
import Testing

@testable import Operations

@Suite struct `The clock of trials` {
    private func file() -> String { FileManager.default.temporaryDirectory.appendingPathComponent("clock-\(UUID().uuidString)").path }

    @Test func `it is ahead by the seconds in its file, and never goes back`() async throws {
        let path = file()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let clock = TestClock(path: path)
        #expect(abs(clock.now().timeIntervalSinceNow) < 60)
        try Data("900\n".utf8).write(to: URL(fileURLWithPath: path))
        try await eventually("the move") { clock.now().timeIntervalSinceNow > 800 }
        for content in ["", "x", "-5", "99999999999"] {
            try Data(content.utf8).write(to: URL(fileURLWithPath: path))
            #expect(TestClock.offset(in: path) == 0, "\(content)")
        }
        try FileManager.default.removeItem(atPath: path)
        try await clock.sleep(for: TestClock.staleness * 2)
        #expect(clock.now().timeIntervalSinceNow > 800)
    }

    @Test func `without the setting time is the system's`() throws {
        #expect(try Settings(environment: [:]).clock is SystemClock)
        #expect(try Settings(environment: ["WHARF_TEST_CLOCK": "/shop/clock"]).clock is TestClock)
        #expect(try Settings(environment: ["WHARF_TEST_CLOCK": "/shop/clock", "STRIPE_API_KEY": "sk_test_1", "STRIPE_API_BASE": "http://127.0.0.1:9"]).clock is TestClock)
    }

    @Test(arguments: [
        ["STRIPE_API_KEY": "sk_live_1"], ["STRIPE_API_KEY": "sk_test_1"], ["WHARF_AMQP_URL": "amqps://rabbit.example/"],
        ["WHARF_AMQP_URL": "amqp://127.0.0.1:5672,rabbit.example:5672/", "WHARF_INSECURE_HOSTS": "rabbit.example"],
        ["WHARF_POSTGRES_URL": "postgres://database.example/wharf"], ["WHARF_POSTGRES_URL_ORDERS": "postgres://database.example/wharf"],
        ["WHARF_REDIS_URL": "rediss://redis.example:6379"],
    ])
    func `the clock cannot be advanced with a live key, or with a server on another machine`(environment: [String: String]) {
        let error = #expect(throws: SettingError.self) { try Settings(environment: environment.merging(["WHARF_TEST_CLOCK": "/shop/clock"]) { $1 }) }
        #expect(error?.name == "WHARF_TEST_CLOCK")
    }
}
