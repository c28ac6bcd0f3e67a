import IOThreads
import Synchronization
import TestKit
import Testing

@Suite struct HostLookupTests {
    @Test func `callers that ask for one name share its lookup`() async throws {
        let lookups = Atomic<Int>(0)
        let stuck = StuckResolver(names: ["a"])
        let lookup = HostLookup { host in
            lookups.add(1, ordering: .relaxed)
            return stuck.lookup.addresses(of: host, within: .seconds(60))
        }
        let answers = Mutex<[HostLookup.Outcome]>([])
        for _ in 0..<5 { lookup.start("a") { outcome in answers.withLock { $0.append(outcome) } } }
        stuck.release()
        try await eventually { answers.withLock { $0.count } == 5 }
        #expect(answers.withLock { $0 }.allSatisfy { $0 == .success(["192.0.2.1"]) })
        #expect(lookups.load(ordering: .relaxed) == 1)
    }

    @Test func `names beyond the limit are refused at once while the others wait for a name server`() async throws {
        let names = (0...HostLookup.mostAtOnce).map { "host-\($0)" }
        let stuck = StuckResolver(names: Set(names))
        let answers = Mutex<[String: HostLookup.Outcome]>([:])
        for name in names { stuck.lookup.start(name) { outcome in answers.withLock { $0[name] = outcome } } }
        let refused = answers.withLock { $0 }
        #expect(refused.keys.sorted() == ["host-16"])
        #expect(refused["host-16"] == .failure(HostLookupError("host-16 was not looked up: 16 other names wait for a name server")))
        stuck.release()
        try await eventually { answers.withLock { $0.count } == names.count }
        #expect(stuck.lookup.addresses(of: "host-16", within: .seconds(60)) == .success(["192.0.2.1"]))
    }

    @Test func `a caller that withdraws is not called, and the next one is served by the same lookup`() async throws {
        let stuck = StuckResolver(names: ["a"])
        let answers = Mutex<[Int]>([])
        let call = stuck.lookup.start("a") { _ in answers.withLock { $0.append(1) } }
        stuck.lookup.withdraw(call)
        stuck.lookup.start("a") { _ in answers.withLock { $0.append(2) } }
        stuck.release()
        try await eventually { answers.withLock { !$0.isEmpty } }
        #expect(answers.withLock { $0 } == [2])
    }

    @Test func `an address needs no lookup`() {
        let stuck = StuckResolver(names: ["::1", "127.0.0.1"])
        defer { stuck.release() }
        for address in ["::1", "127.0.0.1"] { #expect(stuck.lookup.addresses(of: address, within: .zero) == .success([address])) }
    }

    @Test func `the system resolves localhost, and says why it cannot resolve another name`() throws {
        #expect(try HostLookup.ofProcess.addresses(of: "localhost", within: .seconds(60)).get().contains { ["127.0.0.1", "::1"].contains($0) })
        let failure = #expect(throws: HostLookupError.self) { try HostLookup.ofProcess.addresses(of: "no such host", within: .seconds(60)).get() }
        #expect(failure?.message.hasPrefix("no such host has no address: ") == true, "\(failure?.message ?? "")")
    }
}
