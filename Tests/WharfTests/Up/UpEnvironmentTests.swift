import Operations
import Testing

@testable import Assembly
@testable import LocalState
@testable import Terminal
@testable import Up

@Suite struct ServerURLsTests {
    @Test func `a service's URL is the administrator's with another user`() {
        #expect(
            ServerURLs.url("amqp://admin:s@cret@127.0.0.1:5672/shop", user: "orders", password: "pw")
                == "amqp://orders:pw@127.0.0.1:5672/shop")
        #expect(
            ServerURLs.url("postgres://db.example/wharf?sslmode=verify-full", user: "carts", password: "pw")
                == "postgres://carts:pw@db.example/wharf?sslmode=verify-full")
    }

    @Test func `the management API is used as the broker's administrator unless configured otherwise`() {
        func management(_ url: String) -> String {
            ServerURLs(amqp: "amqp://admin:pw@rabbit/", postgres: "", redis: "", management: url).management
        }
        #expect(management("http://rabbit:15672") == "http://admin:pw@rabbit:15672")
        #expect(management("http://ops:other@rabbit:15672") == "http://ops:other@rabbit:15672")
        #expect(ServerURLs.withoutCredentials("http://ops:other@rabbit:15672") == "http://rabbit:15672")
    }

    @Test func `all missing settings are named at once`() {
        let error = #expect(throws: UpError.self) { try ServerURLs(environment: ["WHARF_AMQP_URL": "amqp://x/", "WHARF_REDIS_URL": ""]) }
        #expect(error?.message == "wharf-dev up --external needs WHARF_POSTGRES_URL, WHARF_REDIS_URL, WHARF_RABBITMQ_MANAGEMENT_URL.")
        #expect(error?.exitStatus == 78)
    }
}

@Suite struct ChildEnvironmentTests {
    private let secrets = UpSecrets(completing: .init(), token: { "token" })

    @Test func `a process that crashes looks up no symbols, unless configured to`() {
        let usual = environment().variables(for: .worker(.orders))["SWIFT_BACKTRACE"] ?? ""
        #expect(usual.contains("symbolicate=off"))
        #expect(environment(["SWIFT_BACKTRACE": "enable=no"]).variables(for: .worker(.orders))["SWIFT_BACKTRACE"] == "enable=no")
    }

    private func environment(
        _ outer: [String: String] = [:], isExternal: Bool = false, sandboxURL: String? = "http://127.0.0.1:12111"
    ) -> ChildEnvironment {
        ChildEnvironment(
            outer: outer, isExternal: isExternal,
            urls: ServerURLs(
                amqp: "amqp://admin:broker-root@127.0.0.1:5672/", postgres: "postgres://postgres:database-root@127.0.0.1:5432/wharf",
                redis: "redis://:r@127.0.0.1:6379", management: "http://127.0.0.1:15672"),
            secrets: secrets, httpAddress: "127.0.0.1:8080", sandboxURL: sandboxURL, mailFolder: "/shop/.wharf/mail")
    }

    private let kinds = [ChildSpec.Kind.ingress, .console, .sandbox(port: 1, webhookURL: "", journal: "")] + ServiceName.allCases.map { .worker($0) }

    @Test func `no process is given an administrator's credentials or another's`() {
        for kind in kinds {
            let variables = environment(["WHARF_POSTGRES_URL": "postgres://x", "PATH": "/bin"]).variables(for: kind)
            #expect(!variables.values.contains { $0.contains("-root") })
            #expect(variables["WHARF_POSTGRES_URL"] == nil)
            #expect(variables.keys.filter { $0.hasPrefix("WHARF_AMQP_URL") }.count <= 1)
            #expect(variables.keys.filter { $0.hasPrefix("WHARF_POSTGRES_URL") }.count <= 1)
            #expect(variables["PATH"] == "/bin")
        }
    }

    @Test func `no process inherits other variables of the shell`() {
        let shell = ["AWS_SECRET_ACCESS_KEY": "secret", "PGPASSWORD": "secret", "GITHUB_TOKEN": "secret", "SSH_AUTH_SOCK": "/tmp/x", "http_proxy": "http://p"]
        let needed = ["PATH": "/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", "OTEL_SERVICE_NAME": "shop", "SSL_CERT_FILE": "/ca.pem"]
        for kind in kinds {
            let variables = environment(shell.merging(needed) { $1 }).variables(for: kind)
            #expect(variables.keys.filter { shell[$0] != nil } == [])
            #expect(variables.filter { needed[$0.key] != nil } == needed)
        }
        let proxied = environment(["HTTPS_PROXY": "http://proxy"])
        #expect(proxied.variables(for: .worker(.payments))["HTTPS_PROXY"] == "http://proxy")
        #expect(proxied.variables(for: .worker(.orders))["HTTPS_PROXY"] == nil)
    }

    @Test func `a role that is started beside takes over its own settings, and no other`() throws {
        let tools = environment().tools
        func own(_ role: String) -> Set<String> { Set(tools.keys.filter { Settings.isOwn($0, of: role) }) }
        #expect(own("orders") == ["WHARF_AMQP_URL_ORDERS", "WHARF_POSTGRES_URL_ORDERS"])
        for service in ServiceName.allCases {
            // As in the process that wharf up itself starts, for every address.
            let given = environment().variables(for: .worker(service)).filter { name, _ in
                name != "WHARF_ADMIN_ADDRESS" && ["WHARF_", "STRIPE_", "PAYPAL_"].contains(where: name.hasPrefix)
            }
            #expect(tools.filter { own(service.rawValue).contains($0.key) } == given)
        }
        #expect(own("console") == ["WHARF_AMQP_URL_CONSOLE"])
        #expect(own("ingress") == ["WHARF_AMQP_URL_INGRESS", "STRIPE_WEBHOOK_SECRET", "PAYPAL_API_BASE", "PAYPAL_WEBHOOK_ID"])
    }

    @Test func `a worker gets its own user and its own database role`() {
        let variables = environment().variables(for: .worker(.orders))
        #expect(variables["WHARF_AMQP_URL_ORDERS"] == "amqp://orders:token@127.0.0.1:5672/")
        #expect(variables["WHARF_POSTGRES_URL_ORDERS"] == "postgres://orders:token@127.0.0.1:5432/wharf")
        #expect(variables["STRIPE_API_KEY"] == nil)
        #expect(variables["WHARF_REDIS_URL"] == nil)
    }

    @Test func `payments use the sandbox until a key is set`() {
        let sandbox = environment().variables(for: .worker(.payments))
        #expect(sandbox["STRIPE_API_BASE"] == "http://127.0.0.1:12111")
        #expect(sandbox["STRIPE_API_KEY"] == "sk_test_token")
        #expect(sandbox["STRIPE_WEBHOOK_SECRET"] == nil)
        let given = ["STRIPE_API_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"]
        let real = environment(given, sandboxURL: nil)
        #expect(real.variables(for: .worker(.payments))["STRIPE_API_KEY"] == "sk_live_1")
        #expect(real.variables(for: .worker(.payments))["STRIPE_API_BASE"] == nil)
        #expect(real.variables(for: .ingress)["STRIPE_WEBHOOK_SECRET"] == "whsec_1")
    }

    @Test func `a shop with PayPal alone gives no process Stripe's key`() {
        let shop = environment(["WHARF_GATEWAYS": "paypal"])
        for kind in [ChildSpec.Kind.ingress, .worker(.payments), .worker(.carts)] {
            #expect(!shop.variables(for: kind).keys.contains { $0.hasPrefix("STRIPE_") })
        }
        for service in [ServiceName.payments, .carts] {
            #expect(shop.variables(for: .worker(service))["WHARF_GATEWAYS"] == "paypal" && shop.variables(for: .worker(service))["PAYPAL_CLIENT_ID"] == "sandbox")
        }
        // Earlier payments are still refunded.
        #expect(environment(["WHARF_GATEWAYS": "paypal", "STRIPE_API_KEY": "sk_live_1"], sandboxURL: nil).variables(for: .worker(.payments))["STRIPE_API_KEY"] == "sk_live_1")
    }

    @Test func `each process gets the part of PayPal's settings that it needs, and the sandbox's until an application is set`() {
        func payPal(_ environment: ChildEnvironment, _ kind: ChildSpec.Kind) -> Set<String> {
            Set(environment.variables(for: kind).filter { $0.key.hasPrefix("PAYPAL_") && !$0.value.isEmpty }.keys)
        }
        let sandbox = ChildSpec.Kind.sandbox(port: 1, webhookURL: "", journal: "")
        let given = environment(["PAYPAL_CLIENT_ID": "id", "PAYPAL_CLIENT_SECRET": "secret", "PAYPAL_API_BASE": "https://api-m.paypal.com", "PAYPAL_WEBHOOK_ID": "WH"])
        for environment in [environment(), given] {
            #expect(payPal(environment, .worker(.payments)) == ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_API_BASE"])
            #expect(payPal(environment, .worker(.carts)) == ["PAYPAL_CLIENT_ID"])
            #expect(payPal(environment, .ingress) == ["PAYPAL_API_BASE", "PAYPAL_WEBHOOK_ID"])
            #expect(payPal(environment, .worker(.orders)).isEmpty)
        }
        #expect(environment().variables(for: .worker(.payments))["PAYPAL_API_BASE"] == "http://127.0.0.1:12111")
        #expect(given.variables(for: .worker(.payments))["PAYPAL_CLIENT_SECRET"] == "secret")
        #expect(payPal(given, sandbox).isEmpty && given.tools["PAYPAL_CLIENT_SECRET"] == nil)
        #expect(payPal(environment(sandboxURL: nil), .worker(.payments)).isEmpty)
    }

    @Test func `mail goes into a folder until a server is set`() {
        #expect(environment().variables(for: .worker(.notifications))["WHARF_MAIL_URL"] == "file:///shop/.wharf/mail")
        let given = environment(["WHARF_MAIL_URL": "smtp://mail"]).variables(for: .worker(.notifications))
        #expect(given["WHARF_MAIL_URL"] == "smtp://mail")
    }

    @Test func `a service's own URL counts with external servers only`() {
        let outer = ["WHARF_AMQP_URL_ORDERS": "amqp://mine@elsewhere/"]
        #expect(environment(outer, isExternal: true).variables(for: .worker(.orders))["WHARF_AMQP_URL_ORDERS"] == "amqp://mine@elsewhere/")
        #expect(environment(outer).variables(for: .worker(.orders))["WHARF_AMQP_URL_ORDERS"] == "amqp://orders:token@127.0.0.1:5672/")
    }

    @Test func `every variable is a valid setting`() throws {
        for variables in kinds.map(environment().variables) + [environment().setup] {
            #expect(try Settings(environment: variables).warnings.isEmpty)
        }
    }
}

@Suite struct UpSecretsTests {
    @Test func `known secrets stay, missing ones are generated`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        let first = try UpSecrets.load(from: state)
        #expect(try UpSecrets.load(from: state) == first)
        var older = UpSecrets.Partial(first)
        older.broker?["orders"] = nil
        try state.write(older, to: StateFolder.secretsFile)
        let second = try UpSecrets.load(from: state)
        #expect(second.database == first.database)
        #expect(second.broker["orders"] != first.broker["orders"])
        #expect(second.broker["carts"] == first.broker["carts"])
    }

    @Test func `all secrets differ, and all are fit for a URL`() throws {
        let folder = try TemporaryFolder()
        let secrets = try UpSecrets.load(from: StateFolder(path: folder.path))
        let all = [secrets.adminPassword, secrets.stripeAPIKey, secrets.stripeWebhookSecret] + secrets.database.values + secrets.broker.values
        // Besides the services' own: the auditor's in the database; the ingress's, the console's and the monitoring user's at the broker.
        #expect(Set(all).count == 3 + ServiceName.allCases.count * 2 + 4)
        #expect(all.allSatisfy { $0.count >= 20 && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) } })
    }
}
