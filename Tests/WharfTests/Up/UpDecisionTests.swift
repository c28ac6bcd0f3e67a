import FoundationEssentials
import Operations
import Processes
import Testing

@testable import Assembly
@testable import LocalState
@testable import Terminal
@testable import Up

@Suite struct RestartPolicyTests {
    @Test func `pauses double from 100 milliseconds to 10 seconds`() {
        var policy = RestartPolicy()
        let pauses = (1...9).map { _ in policy.pause(afterRunning: .seconds(1), hadServed: false) }
        #expect(pauses.map { Int($0 / .milliseconds(1)) } == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
    }

    @Test func `a process that ran well for 30 seconds starts over with the first pause`() {
        var policy = RestartPolicy()
        for _ in 1...5 { _ = policy.pause(afterRunning: .zero, hadServed: false) }
        #expect(policy.pause(afterRunning: .seconds(30), hadServed: false) == .milliseconds(100))
    }

    @Test func `a process that had served is restarted at once, however often it ends`() {
        var policy = RestartPolicy()
        for _ in 1...5 { _ = policy.pause(afterRunning: .zero, hadServed: false) }
        for _ in 1...60 { #expect(policy.pause(afterRunning: .milliseconds(500), hadServed: true) == .milliseconds(100)) }
        #expect(policy.pause(afterRunning: .milliseconds(500), hadServed: false) == .milliseconds(200))
    }

    @Test func `a role's drain ends before the role, and the role before its supervisor kills it`() throws {
        #expect(Role.longestDrain < Role.longestShutdown)
        #expect(Role.longestShutdown < ProcessGroup.grace)
        let compose = String(decoding: try Data(contentsOf: URL(filePath: "\(RunningWharf.repository())/compose.yaml")), as: UTF8.self)
        let graces = compose.matches(of: /stop_grace_period: (\d+)s/).compactMap { Int64($0.1) }
        #expect(!graces.isEmpty && graces.allSatisfy { .seconds($0) > Role.longestShutdown })
    }
}

@Suite struct PortChoiceTests {
    @Test func `the port is 8080 where that is free`() throws {
        let choice = try PortChoice(given: nil, remembered: nil) { _ in true }
        #expect(choice.url == "http://127.0.0.1:8080")
        #expect(choice.remark == nil)
    }

    @Test func `the port is the next free one otherwise, and this is reported`() throws {
        let choice = try PortChoice(given: nil, remembered: nil) { $0 == 8083 }
        #expect(choice.address == ListenAddress(host: "127.0.0.1", port: 8083))
        #expect(choice.remark == "Port 8080 is taken; 8083 is used.")
    }

    @Test func `the port is that of the previous run while it is free`() throws {
        #expect(try PortChoice(given: nil, remembered: 9000) { _ in true }.address.port == 9000)
        #expect(try PortChoice(given: nil, remembered: 9000) { $0 != 9000 }.remark == "Port 9000 is taken; 8080 is used.")
    }

    @Test func `the setting is obeyed, or refused by its name`() throws {
        let url = try PortChoice(given: "0.0.0.0:9090", remembered: 8080, isFree: { _ in true }, obstacle: { _ in nil }).url
        #expect(url == "http://127.0.0.1:9090")
        for (given, obstacle) in [("127.0.0.1", nil), ("127.0.0.1:0", nil), ("127.0.0.1:http", nil), ("127.0.0.1:9090", "another program listens there")] {
            let error = #expect(throws: UpError.self) {
                try PortChoice(given: given, remembered: nil, isFree: { _ in true }, obstacle: { _ in obstacle })
            }
            #expect(error?.exitStatus == 78)
            #expect(error?.message.contains("WHARF_HTTP_ADDRESS") == true)
        }
    }

    @Test func `with a hundred ports taken it gives up`() {
        #expect(throws: UpError.self) { try PortChoice(given: nil, remembered: nil) { _ in false } }
    }
}

@Suite struct StartGuardTests {
    private let log = LogFile(path: "/nowhere/log")

    @Test func `three failures of a process end the start`() throws {
        let startGuard = StartGuard()
        for _ in 1...2 { startGuard.ended("orders-1", "ended with status 78", log: log) }
        startGuard.ended("carts-1", "ended with status 1", log: log)
        try startGuard.check()
        startGuard.ended("orders-1", "ended with status 78", log: log)
        let error = #expect(throws: UpError.self) { try startGuard.check() }
        #expect(error?.message == "orders-1 ended with status 78, 3 times.")
        #expect(error?.advice.contains("/nowhere/log") == true)
    }

    @Test func `a permanent failure ends the start the first time`() {
        let startGuard = StartGuard()
        startGuard.ended("orders-1", "ended with status 78", isHopeless: true, log: log)
        let error = #expect(throws: UpError.self) { try startGuard.check() }
        #expect(error?.message == "orders-1 ended with status 78.")
    }

    @Test func `once everything is ready any process may end any number of times`() throws {
        let startGuard = StartGuard()
        startGuard.settle()
        for _ in 1...9 { startGuard.ended("orders-1", "was ended by signal 9", log: log) }
        try startGuard.check()
    }
}
