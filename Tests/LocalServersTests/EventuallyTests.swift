import TestKit
import Testing

@Suite struct EventuallyTests {
    struct Broken: Error {}

    @Test func `it waits until the condition holds`() async throws {
        var asked = 0
        try await eventually {
            asked += 1
            return asked == 3
        }
        #expect(asked == 3)
    }

    @Test func `it reports the condition that did not hold, where, and the last error`() async throws {
        let error = await #expect(throws: NotEventually.self) {
            try await eventually("The reply", within: .milliseconds(20)) { throw Broken() }
        }
        #expect(error?.description.hasPrefix("The reply did not hold within") == true)
        #expect(error?.description.contains("EventuallyTests.swift") == true)
        #expect(error?.description.contains("Broken") == true)
    }
}
