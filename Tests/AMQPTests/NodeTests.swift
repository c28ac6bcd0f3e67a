import Glibc
import IOThreads
import TestKit
import Testing

@testable import AMQP

@Suite struct BrokerAddressesTests {
    private let nodes = ["a", "b", "c"].map { AMQPConfiguration.Node(host: $0, port: 5672) }

    /// Each name has two addresses.
    private func order(lost: BrokerAddress? = nil) -> [BrokerAddress] {
        BrokerAddresses(of: nodes, lost: Set([lost].compactMap(\.self))) { node in .success(["1", "2"].map { BrokerAddress(node: node, host: node.host + $0) }) }
            .compactMap { try? $0.get() }
    }

    @Test func `every address of every node is tried once`() {
        #expect(Set(order()).count == 6)
        #expect(order().count == 6)
    }

    @Test func `connections spread over the nodes`() {
        let first = (0..<200).compactMap { _ in order().first?.node.host }
        #expect(Set(first) == ["a", "b", "c"])
    }

    @Test func `the most recently lost address is tried last`() {
        let lost = BrokerAddress(node: nodes[1], host: "b2")
        for _ in 0..<50 {
            #expect(order(lost: lost).last == lost)
            #expect(order(lost: lost).count == 6)
        }
    }

    @Test func `nodes that are all slow are given longer, up to four times`() {
        var timeouts = ConnectTimeouts(first: .seconds(3))
        let times = (0..<4).map { _ in
            defer { timeouts.failed() }
            return timeouts.current
        }
        #expect(times == [.seconds(3), .seconds(6), .seconds(12), .seconds(12)])
        timeouts.succeeded()
        #expect(timeouts.current == .seconds(3))
    }

    @Test func `what one connection has found away is tried last by all, for a while`() {
        let lost = LostAddresses()
        let now = ContinuousClock.now
        let (first, second) = (BrokerAddress(node: nodes[0], host: "a1"), BrokerAddress(node: nodes[1], host: "b1"))
        lost.add(first, at: now)
        lost.add(second, at: now + .seconds(20))
        #expect(lost.current(at: now + .seconds(21)) == [first, second])
        #expect(lost.current(at: now + .seconds(31)) == [second])
        lost.remove(second)
        #expect(lost.current(at: now + .seconds(31)).isEmpty)
    }

    @Test func `a single node that was lost is tried again`() {
        let only = BrokerAddress(node: nodes[0], host: "a")
        #expect(Array(BrokerAddresses(of: [nodes[0]], lost: [only]) { _ in .success([only]) }) == [.success(only)])
    }

    @Test func `a lookup that no name server answers times out, and the next node is tried`() throws {
        let stuck = StuckResolver(names: ["a"])
        defer { stuck.release() }
        let start = ContinuousClock.now
        let tried = Array(
            BrokerAddresses(of: [nodes[0], nodes[1]], lost: []) {
                BrokerAddress.resolve($0, within: .milliseconds(300), keepsName: false, by: stuck.lookup)
            })
        #expect(.now - start < .seconds(10))
        #expect(tried.count == 2)
        #expect(tried.contains(.success(BrokerAddress(node: nodes[1], host: "192.0.2.1"))))
        let failure = try #require(tried.compactMap { if case .failure(let error) = $0 { error } else { nil } }.first)
        #expect(failure.code == .unreachable && failure.isTransient)
        #expect(failure.message.contains("no connection to a:5672: a was not looked up within 0.3 seconds"), "\(failure)")
    }

    @Test func `TLS connects by name if the name has one address`() {
        let lookup = HostLookup { $0 == "a" ? .success(["192.0.2.1"]) : .success(["192.0.2.2", "192.0.2.3"]) }
        func hosts(_ node: AMQPConfiguration.Node, _ keepsName: Bool) -> Set<String> {
            let found = try? BrokerAddress.resolve(node, within: .seconds(10), keepsName: keepsName, by: lookup).get()
            return Set(found?.map(\.host) ?? [])
        }
        #expect(hosts(nodes[0], true) == ["a"])
        #expect(hosts(nodes[0], false) == ["192.0.2.1"])
        #expect(hosts(nodes[1], true) == ["192.0.2.2", "192.0.2.3"])
    }
}

extension BrokerTests {
    @Suite struct NodeTests {
        /// A port on which the kernel accepts connections, and no answer ever comes: a frozen node.
        private final class FrozenNode {
            let port: Int
            private let socket: Int32

            init() throws {
                let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                self.socket = socket
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                let isListening = unsafe withUnsafeMutablePointer(to: &address) { address in
                    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                        unsafe bind(socket, address, length) == 0 && listen(socket, 64) == 0 && getsockname(socket, address, &length) == 0
                    }
                }
                try #require(isListening)
                port = Int(UInt16(bigEndian: address.sin_port))
            }

            deinit { close(socket) }
        }

        /// Many, as the order is random.
        private func connect(to nodes: [AMQPConfiguration.Node], connectTimeout: Duration, within limit: Duration) async throws {
            var configuration = try await TestBroker.shared.value.configuration
            configuration.nodes = nodes
            configuration.connectTimeout = connectTimeout
            let publishers = (0..<12).map { _ in Publisher(configuration: configuration, logger: quiet) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for publisher in publishers { group.addTask { try await publisher.run() } }
                try await eventually("all are connected", within: limit) { publishers.allSatisfy(\.isConnected) }
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
        }

        @Test func `a frozen node and a stopped one do not keep a connection from the third`() async throws {
            let broker = try await TestBroker.shared.value
            let frozen = try FrozenNode()
            let nodes = [frozen.port, 1, broker.port].map { AMQPConfiguration.Node(host: "127.0.0.1", port: $0) }
            // One round of attempts, far below what ends a frozen connection by itself.
            try await connect(to: nodes, connectTimeout: .milliseconds(300), within: .seconds(10))
        }

        @Test func `refusing addresses of a name with several are skipped`() async throws {
            // The broker listens on 127.0.0.1 alone; the resolver is asked for a name that has ::1, too, on most machines.
            let broker = try await TestBroker.shared.value
            try await connect(to: [.init(host: "localhost", port: broker.port)], connectTimeout: .seconds(2), within: .seconds(10))
        }
    }
}
