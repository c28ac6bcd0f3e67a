import Testing

@testable import AMQP

@Suite struct ConfigurationTests {
    @Test func `a complete URL is parsed part by part`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://us%40er:p%3Aw%2Fd@[::1]:5673/a%2Fb", connectionName: "n")
        #expect(configuration.user == "us@er")
        #expect(configuration.password == "p:w/d")
        #expect(configuration.nodes == [.init(host: "::1", port: 5673)])
        #expect(configuration.virtualHost == "a/b")
        #expect(configuration.tls == nil)
    }

    @Test func `a URL may name several nodes, each with a port of its own`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://user:p%40,s@a:5673,b,[::1]:5674/v", connectionName: "n")
        #expect(configuration.nodes == [.init(host: "a", port: 5673), .init(host: "b", port: 5672), .init(host: "::1", port: 5674)])
        #expect(configuration.password == "p@,s")
        #expect("\(configuration)" == "amqp://user@a:5673,b:5672,[::1]:5674/v")
        #expect(try AMQPConfiguration(url: "amqps://a,b", connectionName: "n").nodes.map(\.port) == [5671, 5671])
    }

    @Test func `silence is noticed within ten seconds unless the URL says otherwise`() throws {
        let standard = try AMQPConfiguration(url: "amqp://broker", connectionName: "n")
        #expect(standard.heartbeat * 2 + .seconds(1) <= .seconds(10))
        #expect(try AMQPConfiguration(url: "amqp://a,b", connectionName: "n").heartbeat == .seconds(1), "sooner where there is another node")
        let own = try AMQPConfiguration(url: "amqp://broker/?heartbeat=30&connection_timeout=1500", connectionName: "n")
        #expect(own.heartbeat == .seconds(30))
        #expect(own.connectTimeout == .milliseconds(1500))
    }

    @Test(arguments: ["amqp://broker", "amqp://broker/", "amqp://broker/%2f", "amqp://guest:guest@broker:5672"])
    func `omitted parts take the broker's defaults`(url: String) throws {
        let configuration = try AMQPConfiguration(url: url, connectionName: "n")
        #expect(configuration == (try AMQPConfiguration(url: "amqp://guest:guest@broker:5672/%2F", connectionName: "n")))
    }

    @Test func `amqps verifies certificates unless configured otherwise`() throws {
        let plain = try AMQPConfiguration(url: "amqps://broker", connectionName: "n")
        #expect(plain.nodes == [.init(host: "broker", port: 5671)])
        #expect(plain.tls == AMQPConfiguration.TLS(caFile: AMQPConfiguration.TLS.systemCAFile, verify: true))
        let relaxed = try AMQPConfiguration(url: "amqps://broker/v?cacertfile=%2Fca.pem&verify=verify_none", connectionName: "n")
        #expect(relaxed.tls == AMQPConfiguration.TLS(caFile: "/ca.pem", verify: false))
        #expect(relaxed.virtualHost == "v")
    }

    @Test(arguments: [
        "", "http://broker", "amqp://", "amqp://:5672", "amqp://broker:0", "amqp://broker:70000", "amqp://broker:x", "amqp://broker/a/b",
        "amqp://us%4zer@broker", "amqp://us%ffer@broker", "amqp://us%00er@broker", "amqp://broker?verify=verify_none", "amqps://broker?verify=no",
        "amqps://broker?heartbeat=0", "amqp://broker?heartbeat=601", "amqp://broker?heartbeat=+1", "amqp://broker?connection_timeout=1s", "amqp://a,", "amqp://,b",
        "amqp://a,,b", "amqp://a b:x,c", "amqp://\(Array(repeating: "a", count: 17).joined(separator: ","))", "amqp://[::1", "amqp://[::1]x",
    ])
    func `a URL that cannot be used is a configuration error`(url: String) {
        #expect { try AMQPConfiguration(url: url, connectionName: "n") } throws: { ($0 as? AMQPError)?.code == .configuration }
    }

    @Test func `the password never appears in a description`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://user:secret@broker/v", connectionName: "n")
        #expect("\(configuration)" == "amqp://user@broker:5672/v")
        #expect(!String(reflecting: configuration).contains("secret"))
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("secret"))
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: "amqp://user:secret@broker:x", connectionName: "n") }
        #expect(error?.description.contains("secret") == false)
    }
}
