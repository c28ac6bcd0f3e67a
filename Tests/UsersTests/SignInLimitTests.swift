import Contracts
import FoundationEssentials
import LocalServers
import Logging
import Messaging
import Redis
import TestKit
import Testing

@testable import ServiceKit
@testable import Users

/// The counting, for every counter: Redis, a process without it, and a process that has just lost it.
@Suite struct SignInLimitTests {
    enum Counter: CaseIterable {
        case redis, process, processWithoutItsRedis
    }

    /// Runs `body` with a service whose passwords cost nothing.
    private static func with(_ counter: Counter, _ body: (UsersHarness) async throws -> Void) async throws {
        switch counter {
        case .redis:
            let redis = try RedisClient(url: try await TestServers.redis().url, logger: Logger(label: "test"))
            defer { redis.shutdown() }
            try await body(try await UsersHarness(attempts: redis))
        case .process: try await body(try await UsersHarness())
        case .processWithoutItsRedis: try await body(try await UsersHarness(attempts: NoStore()))
        }
    }

    private struct NoStore: KeyValueStore {
        func command(_ arguments: [String]) async throws(RedisError) -> RedisValue {
            throw RedisError(code: .unavailable, message: "Redis is away")
        }
    }

    /// Tests share Redis, so each has addresses of its own.
    private let email = "ada-\(UUID().uuidString.lowercased())@example.com"
    private let owner = address()

    /// One of RFC 3849's documentation networks.
    private static func address() -> String {
        "2001:db8:" + (0..<6).map { _ in String(UInt16.random(in: 1...UInt16.max), radix: 16) }.joined(separator: ":")
    }

    private func wrong(_ users: UsersHarness, _ count: Int, email: String? = nil, from address: String?) async throws -> [Int] {
        let requests = try (0..<count).map { _ in try users.attempt(email ?? self.email, "wrong password", from: address) }
        return try await users.service.send(requests).map { try $0.reply.status }
    }

    @Test(arguments: Counter.allCases)
    func `ten failures make an account and an address wait, and a success before that clears the count`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            #expect(try await wrong(users, 9, from: owner) == Array(repeating: 401, count: 9))
            #expect(try await users.signIn(email, from: owner).status == 201)
            #expect(try await wrong(users, 12, from: owner) == Array(repeating: 401, count: 10) + [429, 429])
            let refused = try await users.signIn(email, from: owner)
            #expect(refused.status == 429)
            #expect(refused.problem?.type.hasSuffix("too-many-attempts") == true)
            let wait = try #require(refused.headers["retry-after"].flatMap(Int.init))
            #expect((1...SignInLimits.windowSeconds).contains(wait))
            #expect(try await users.signIn("other-\(email)", from: owner).status == 401, "other accounts are not concerned")
        }
    }

    @Test(arguments: Counter.allCases)
    func `strangers never lock an owner out of a place where they usually sign in`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            #expect(try await users.signIn(email, from: owner).status == 201)
            // One stranger first, then many, each from a network of its own.
            let stranger = Self.address()
            #expect(try await wrong(users, 11, from: stranger) == Array(repeating: 401, count: 10) + [429])
            var statuses: [Int] = []
            for _ in 0..<12 { statuses += try await wrong(users, 1, from: Self.address()) }
            #expect(statuses == Array(repeating: 401, count: 10) + [429, 429])
            #expect(try await users.signIn(email, from: Self.address()).status == 429, "from anywhere new the account has to wait")
            #expect(try await users.signIn(email, from: owner).status == 201)
        }
    }

    @Test(arguments: Counter.allCases)
    func `the place of a sign-up counts as known`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email, from: owner)
            for _ in 0..<4 { _ = try await wrong(users, 5, from: Self.address()) }
            #expect(try await users.signIn(email, from: Self.address()).status == 429)
            #expect(try await users.signIn(email, from: owner).status == 201)
        }
    }

    @Test(arguments: Counter.allCases)
    func `a sweep over accounts from one address ends in 429, and not for accounts that are known there`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email, from: owner)
            let requests = try (0..<150).map { try users.attempt("\($0)-\(email)", "wrong password", from: owner) }
            let replies = try await users.service.send(requests).map { try $0.reply }
            #expect(replies.map(\.status) == Array(repeating: 401, count: 100) + Array(repeating: 429, count: 50))
            #expect(replies.suffix(50).allSatisfy { $0.headers["retry-after"] != nil })
            #expect(try await users.signIn(email, from: owner).status == 201)
            #expect(try await users.signIn("0-\(email)", from: Self.address()).status == 401, "from elsewhere one may try")
        }
    }

    @Test(arguments: Counter.allCases)
    func `right passwords never count, however many arrive at once`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            let replies = await users.service.send(try (0..<40).map { _ in try users.attempt(email, from: owner) })
            #expect(try replies.map { try $0.reply.status } == Array(repeating: 201, count: 40))
            #expect(try await users.signIn(email, from: owner).status == 201)
        }
    }

    @Test(arguments: Counter.allCases)
    func `a burst of guesses, by workers side by side, is verified as often as the limit allows`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<4 { group.addTask { try await wrong(users, 10, from: owner) } }
                return try await group.reduce([], +)
            }
            #expect(statuses.count { $0 == 401 } == SignInLimits.pair)
            #expect(statuses.count { $0 == 429 } == 40 - SignInLimits.pair)
        }
    }

    @Test func `a guess under way holds the place that it may need, whichever worker verifies it`() async throws {
        let redis = try RedisClient(url: try await TestServers.redis().url, logger: Logger(label: "test"))
        defer { redis.shutdown() }
        let workers = (0..<2).map { _ in SignInThrottle(store: redis, clock: SetClock(), logger: Logger(label: "test")) }
        let guesses = (0...SignInLimits.pair).map { number in
            SignInAttempt(
                Request(
                    id: UUID(), operation: "users.sessions.create", parameters: [Request.clientAddress: owner],
                    requester: Requester(replyTo: "replies.test", correlationID: "\(email) \(number)")),
                emailKey: email)
        }
        let (first, last) = (Array(guesses.dropLast()), try #require(guesses.last))
        #expect(await workers[0].admit(first) == Array(repeating: .admitted, count: SignInLimits.pair))
        #expect(await workers[1].admit([last]) == [.busy])
        #expect(await workers[1].admit([first[0]]) == [.admitted], "the same guess, delivered again")
        // One password was right, and the others have not been verified: their places are free again.
        await workers[0].settle(first.enumerated().map { ($1, $0 == 0 ? true : nil) })
        #expect(await workers[1].admit([last]) == [.admitted])
        await workers[1].settle([(last, false)])
        #expect(await workers[0].admit(first) == Array(repeating: .admitted, count: SignInLimits.pair - 1) + [.busy])
    }

    @Test(arguments: Counter.allCases)
    func `a redelivered attempt counts once, and one that a client repeats under its key counts again`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            let again = try users.attempt(email, "wrong password", from: owner)
            for _ in 0..<12 { #expect(try await users.service.send(again).status == 401) }
            #expect(try await users.signIn(email, from: owner).status == 201)

            var statuses: [Int] = []
            for number in 0..<12 {
                var request = again
                request.requester = Requester(replyTo: "replies.test", correlationID: "\(email) \(number)")
                statuses.append(try await users.service.send(request).status)
            }
            #expect(statuses == Array(repeating: 401, count: 10) + [429, 429])
        }
    }

    @Test(arguments: Counter.allCases)
    func `addresses of one IPv6 network are one address`(counter: Counter) async throws {
        try await Self.with(counter) { users in
            _ = try await users.signUp(email)
            let network = owner.split(separator: ":").prefix(4).joined(separator: ":")
            var statuses: [Int] = []
            for host in 1...12 { statuses += try await wrong(users, 1, from: "\(network)::\(host)") }
            #expect(statuses == Array(repeating: 401, count: 10) + [429, 429])
        }
    }

    @Test func `a process that loses Redis does not start counting from zero`() async throws {
        let redis = try RedisClient(url: try await TestServers.redis().url, logger: Logger(label: "test"))
        let users = try await UsersHarness(attempts: redis)
        _ = try await users.signUp(email)
        #expect(try await wrong(users, 10, from: owner).count { $0 == 401 } == 10)
        redis.shutdown()
        #expect(try await wrong(users, 2, from: owner) == [429, 429])
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8:0:0::/64"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80:0:0:0::/64"), ("::1", "0:0:0:0::/64"), ("::", "0:0:0:0::/64"), ("", ""), (":", "::/64"),
    ])
    func `a network's name`(address: String, name: String) {
        #expect(ClientNetwork.name(of: address) == name)
    }
}
