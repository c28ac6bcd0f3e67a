import Testing

@testable import Redis

@Suite struct DecisionTests {
    @Test func `a URL's parts are read, with defaults for those left out`() throws {
        let plain = try RedisAddress("redis://cache")
        #expect(plain.host == "cache" && plain.port == 6379 && plain.database == 0)
        #expect(plain.user == nil && plain.password == nil)
        let full = try RedisAddress("redis://me:p%40ss@cache.example.com:7000/5")
        #expect(full.user == "me" && full.password == "p@ss" && full.port == 7000 && full.database == 5)
        #expect(full.name == "cache.example.com:7000")
        let passwordOnly = try RedisAddress("redis://:secret@[::1]:7000/")
        #expect(passwordOnly.user == nil && passwordOnly.password == "secret" && passwordOnly.host == "::1")
    }

    @Test(arguments: [
        "", "cache", "http://cache", "redis://", "redis://cache:0", "redis://cache:70000", "redis://cache/x", "redis://cache/-1", "redis://cache/+1",
        "redis://cache:port", "redis://u:%zz@cache", "redis://u:%ff@cache", "redis://u:%0a@cache", "redis://[::", "redis://cache?cacertfile=/x", "rediss://cache?verify=no",
        "redis://cache#x", "redis://a b",
    ])
    func `an invalid Redis URL is rejected`(url: String) {
        let error = #expect(throws: RedisError.self) { try RedisAddress(url) }
        #expect(error?.code == .invalidURL)
    }

    @Test func `rediss uses TLS, with the system's authorities or those of a file`() throws {
        #expect(try RedisAddress("redis://cache").tls == nil)
        #expect(try RedisAddress("rediss://cache").tls == RedisAddress.TLS())
        #expect(try RedisAddress("rediss://:p@cache:1/2?cacertfile=/ca%20s.pem").tls == RedisAddress.TLS(caFile: "/ca s.pem"))
    }

    @Test func `the greeting authenticates, selects the database and checks whether Redis serves`() throws {
        #expect(try RedisAddress("redis://cache").greeting == [["PING"]])
        #expect(try RedisAddress("redis://:p@cache/2").greeting == [["AUTH", "p"], ["SELECT", "2"], ["PING"]])
        #expect(try RedisAddress("redis://u:p@cache").greeting == [["AUTH", "u", "p"], ["PING"]])
    }

    @Test func `a refused greeting distinguishes a wrong password from a server that is not ready`() {
        #expect(Greeting.error("WRONGPASS no", to: ["AUTH", "x"], at: "r").code == .authenticationFailed)
        #expect(Greeting.error("ERR invalid password", to: ["AUTH", "x"], at: "r").code == .authenticationFailed)
        #expect(Greeting.error("NOAUTH Authentication required.", to: ["PING"], at: "r").code == .authenticationFailed)
        #expect(Greeting.error("LOADING Redis is loading", to: ["PING"], at: "r").code == .unavailable)
        #expect(Greeting.error("LOADING Redis is loading", to: ["AUTH", "x"], at: "r").code == .unavailable)
    }

    @Test func `a command is written as lengths and bytes`() {
        #expect(RedisCommand.encode(["SET", "ké", ""]) == Array("*3\r\n$3\r\nSET\r\n$3\r\nké\r\n$0\r\n\r\n".utf8))
    }

    @Test func `some refusals are transient`() {
        #expect(RedisError(code: .rejected, message: "LOADING Redis is loading").isTransient)
        #expect(RedisError(code: .rejected, message: "BUSY").isTransient)
        #expect(!RedisError(code: .rejected, message: "ERR unknown command").isTransient)
    }

    @Test func `pending commands leave in the order they came, and expire from the front`() {
        let start = ContinuousClock.now
        var pending = PendingCommands()
        var taken: [UInt8] = []
        for index in 0..<UInt8(100) {
            pending.append(PendingCommand(bytes: [index], deadline: start + .seconds(Int(index))) { _ in })
            if index % 3 == 0, let first = pending.takeFirst() { taken.append(contentsOf: first.bytes) }
        }
        #expect(taken == Array(0..<34))
        #expect(pending.count == 66)
        #expect(pending.firstDeadline == start + .seconds(34))
        let expired = pending.takeExpired(at: start + .seconds(39)).flatMap(\.bytes)
        #expect(expired == Array(34...39))
        let rest = pending.takeAll().flatMap(\.bytes)
        #expect(rest == Array(40..<100))
        #expect(pending.count == 0 && pending.firstDeadline == nil)
    }
}
