import ArgumentParser
import Testing

@testable import Assembly
@testable import Operations
@testable import wharf

@Suite struct `The command wharf autoscale` {
    @Test func `a limit is for all pools or for one, and the last of each counts`() throws {
        let limits = try ["2", "orders=5", "orders=6", "3"].map { try #require(PoolLimit(argument: $0)) }
        #expect(PoolLimit.count(limits, for: .orders) == 6)
        #expect(PoolLimit.count(limits, for: .carts) == 3)
        #expect(PoolLimit.count([], for: .carts) == nil)
    }

    @Test(arguments: ["", "-1", "1001", "orders=", "=3", "nothing=3", "orders=1=2", "orders", "1.5"])
    func `anything else is rejected as a limit`(argument: String) {
        #expect(PoolLimit(argument: argument) == nil)
    }

    @Test(arguments: [
        ["--min", "3", "--max", "2"], ["--max", "0"], ["--min", "orders=9", "--max", "orders=8"], ["--wait", "0"], ["--calm", "0"], ["--interval", "0"], ["--depth", "0"],
        ["--swarm", "a/b"], ["orders", "--min", "carts=x"],
    ])
    func `a contradictory or impossible command line is rejected`(arguments: [String]) {
        #expect(throws: (any Error).self) { try AutoscaleCommand.parse(arguments) }
    }

    @Test func `bounds of a pool that is not scaled do not matter`() throws {
        _ = try AutoscaleCommand.parse(["carts", "--min", "orders=9", "--max", "4"])
    }

    @Test func `a worker gets the settings of its service and no secrets of others`() {
        let environment = [
            "PATH": "/bin", "LOG_LEVEL": "debug", "WHARF_AMQP_URL": "amqp://administrator", "WHARF_AMQP_URL_ORDERS": "amqp://orders", "WHARF_AMQP_URL_CARTS_FILE": "/run/carts",
            "WHARF_POSTGRES_URL": "postgres://common", "WHARF_RABBITMQ_MANAGEMENT_URL": "http://administrator", "WHARF_RABBITMQ_MANAGEMENT_URL_FILE": "/run/m",
            "STRIPE_API_KEY_FILE": "/run/stripe", "TWILIO_AUTH_TOKEN": "t", "WHARF_REDIS_URL": "redis://", "WHARF_DEAD_LETTER_ALERT_SECRET": "s", "WHARF_ORDER_RETENTION_DAYS": "9",
            "WHARF_MAIL_URL": "smtps://shop:password@mail.example",
        ]
        func names(_ service: String) -> Set<String> { Set(Settings.environment(for: service, from: environment).keys) }
        let common: Set = ["PATH", "LOG_LEVEL", "WHARF_ORDER_RETENTION_DAYS", "WHARF_POSTGRES_URL"]
        #expect(names("orders") == common.union(["WHARF_AMQP_URL_ORDERS"]))
        #expect(names("carts") == common.union(["WHARF_AMQP_URL_CARTS_FILE"]))
        #expect(names("catalog") == common.union(["WHARF_AMQP_URL"]))
        #expect(names("payments") == common.union(["WHARF_AMQP_URL", "STRIPE_API_KEY_FILE"]))
        #expect(names("notifications") == common.union(["WHARF_AMQP_URL", "TWILIO_AUTH_TOKEN", "WHARF_MAIL_URL"]))
        #expect(names("users") == common.union(["WHARF_AMQP_URL", "WHARF_REDIS_URL"]))
        #expect(names("deadletters") == common.union(["WHARF_AMQP_URL", "WHARF_DEAD_LETTER_ALERT_SECRET"]))
    }
}
