import Testing

@testable import Load
@testable import ShopClient
@testable import Terminal

struct LoadTargetTests {
    private let record = LoadTarget.Record(
        url: "http://127.0.0.1:8081", httpAddress: "127.0.0.1:8081", sandboxURL: "http://127.0.0.1:12111/", adminEmail: "admin@wharf.example")
    private let secrets = LoadTarget.Secrets(adminPassword: "secret")

    @Test("In the folder of a running wharf-dev up no options are needed")
    func defaults() throws {
        let target = try LoadTarget(.init(), record: record, secrets: secrets)
        #expect(target.url == "http://127.0.0.1:8081")
        #expect(target.ledger == "http://127.0.0.1:12111")
        #expect(target.email == "admin@wharf.example")
        #expect(target.password == "secret")
    }

    @Test("A record with an address only is enough")
    func olderRecord() throws {
        let record = LoadTarget.Record(httpAddress: "127.0.0.1:9000", adminEmail: "a@b.example")
        let target = try LoadTarget(.init(), record: record, secrets: secrets)
        #expect(target.url == "http://127.0.0.1:9000")
        #expect(target.ledger == nil)
    }

    @Test("The password and the ledger of this folder are sent to no other shop")
    func otherShop() throws {
        #expect(throws: LoadError.self) { try LoadTarget(.init(url: "http://shop.example"), record: record, secrets: secrets) }
        let choice = LoadTarget.Choice(url: "https://shop.example/", email: "me@shop.example", password: "other")
        let target = try LoadTarget(choice, record: record, secrets: secrets)
        #expect(target == (try LoadTarget(choice, record: .init(), secrets: .init())))
        #expect(target.url == "https://shop.example")
        #expect(target.ledger == nil)
        #expect(target.password == "other")
    }

    @Test("A missing option is named, with status 78")
    func missing() {
        let error = #expect(throws: LoadError.self) { try LoadTarget(.init(), record: record, secrets: .init()) }
        #expect(error?.message.contains("--admin-password") == true)
        #expect(error?.exitStatus == 78)
    }

    @Test("An invalid URL is rejected", arguments: ["127.0.0.1:8080", "ftp://shop.example", "http://", ""])
    func badURL(_ url: String) {
        #expect(throws: LoadError.self) { try LoadTarget(.init(url: url), record: record, secrets: secrets) }
        #expect(throws: LoadError.self) { try LoadTarget(.init(ledger: url), record: record, secrets: secrets) }
    }

    @Test(
        "Only this machine shares the clock",
        arguments: [
            ("http://127.0.0.1:8080", true), ("http://localhost", true), ("http://[::1]:80", true), ("https://localhost:8443/shop", true),
            ("http://127.0.0.1.example", false), ("http://shop.example:8080", false), ("http://localhost.example", false),
        ])
    func clock(_ url: String, _ isShared: Bool) throws {
        let target = try LoadTarget(.init(url: url, email: "e@x.example", password: "p"), record: .init(), secrets: .init())
        #expect(target.isThisMachine == isShared)
    }
}
