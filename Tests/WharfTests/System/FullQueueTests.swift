import TestKit
import Testing

extension System {
    @Suite struct `Full queues` {
        @Test func `a query to a full queue is answered 503 at once, and succeeds again when there is room`() async throws {
            let wharf = try RunningWharf.get()
            let admin = try Visitor.admin()
            try await wharf.control(
                "set_policy", "--priority", "9", "--apply-to", "queues", "full", #"^deadletters\.queries$"#, #"{"max-length": 0, "overflow": "reject-publish"}"#)
            do {
                try await eventually("It is full") { try await admin.get("/v1/dead-letters").status == 503 }
                let clock = ContinuousClock()
                let began = clock.now
                let answer = try await admin.get("/v1/dead-letters")
                #expect(answer.status == 503 && answer.header("retry-after") != nil)
                #expect(clock.now - began < .seconds(2), "its deadline is 5 s")
            } catch {
                try await wharf.control("clear_policy", "full")
                throw error
            }
            try await wharf.control("clear_policy", "full")
            try await eventually("There is room") { try await admin.get("/v1/dead-letters").status == 200 }
        }
    }
}
