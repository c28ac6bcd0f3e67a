import Messaging
import Testing
import YAML

@testable import Ingress

@Suite struct DocumentTests {
    @Test func `the document routes every operation of the contract`() throws {
        let document = try OpenAPIDocument(path: TestIngress.openapi)
        let table = document.endpoints.map { "\($0.method) \($0.path) \($0.operationID) \($0.kind.rawValue) \($0.role.rawValue)" }
        #expect(Self.contract.subtracting(table) == [])
        #expect(Set(table).count == table.count)
        #expect(document.waitOperationIDs == ["orders.orders.wait"])
        #expect(document.uploadOperationIDs == ["catalog.imports.store"])
        #expect(document.streamOperationIDs == ["catalog.imports.versions", "orders.orders.versions"])
        #expect(
            document.endpoints.filter(\.requiresIdempotencyKey).map(\.operationID) == [
                "carts.checkouts.create", "orders.orders.cancel", "orders.returns.create", "payments.refunds.create",
            ])
        #expect(
            document.endpoints.filter(\.isSensitive).map(\.operationID) == [
                "users.accounts.create", "users.sessions.create", "users.password.change", "users.email.change", "users.passwordResets.confirm",
            ])
    }

    @Test func `the ingress does what the document promises clients`() throws {
        let root = try #require(try YAMLReader.read(TestIngress.document.get().yaml))
        for endpoint in try TestIngress.document.get().endpoints {
            let operation = try #require(root["paths"]?[endpoint.path]?[endpoint.method.lowercased()])
            let security = try #require(operation["security"]?.sequence).map { $0.mapping?.map(\.key) ?? [] }
            let responses = Set(operation["responses"]?.mapping?.map(\.key) ?? [])
            let parameters = (operation["parameters"]?.sequence ?? []).compactMap { $0["$ref"]?.scalar?.split(separator: "/").last }
            switch endpoint.role {
            case .public: #expect(security == [[], ["session"]] || (endpoint.signature != nil && security.isEmpty), "\(endpoint.operationID)")
            case .customer, .admin: #expect(security == [["session"]], "\(endpoint.operationID)")
            }
            #expect(responses.isSuperset(of: ["400", "503", "504"]), "\(endpoint.operationID)")
            #expect(responses.contains("401") != security.isEmpty, "\(endpoint.operationID)")
            // Archived products are for administrators; some changes take the password as well as a session.
            let refuses = ["catalog.products.list", "users.password.change", "users.email.change"].contains(endpoint.operationID)
            #expect(responses.contains("403") == (endpoint.role == .admin || refuses), "\(endpoint.operationID)")
            #expect(responses.contains("413") == (operation["requestBody"] != nil), "\(endpoint.operationID)")
            let takesKey = parameters.contains { $0.hasSuffix("IdempotencyKey") }
            #expect(takesKey == (endpoint.method != "GET" && endpoint.signature == nil), "\(endpoint.operationID)")
        }
    }

    @Test func `every body that is sent, and every body that is answered with success, has an example`() throws {
        let root = try #require(try YAMLReader.read(TestIngress.document.get().yaml))
        let document = DocumentNode(node: root, root: root, file: "openapi.yaml", place: "document")
        for endpoint in try TestIngress.document.get().endpoints {
            let operation = try document.required("paths").required(endpoint.path).required(endpoint.method.lowercased())
            var bodies = try operation.value("requestBody")?.required("content").entries() ?? []
            for (status, response) in try operation.required("responses").entries() where status.hasPrefix("2") {
                bodies += try response.resolved().value("content")?.entries() ?? []
            }
            for (type, media) in bodies {
                #expect(try ExampleText.of(media, type: type) != nil, "\(endpoint.operationID): \(type)")
                // Events of payment gateways have members that the shop does not use.
                guard endpoint.signature == nil, let schema = try media.value("schema"), let example = try ExampleText.node(media) else { continue }
                #expect(try Self.flaws(of: example, in: schema) == [], "\(endpoint.operationID): \(type)")
            }
        }
    }

    /// The required members that an example lacks, and its members that are not in the schema.
    private static func flaws(of example: YAMLNode, in schema: DocumentNode, at place: String = "") throws -> [String] {
        let parts = try [schema] + (schema.value("allOf")?.elements() ?? [])
        if let items = example.sequence {
            guard let schema = try parts.lazy.compactMap({ try $0.value("items") }).first else { return [] }
            return try items.flatMap { try Self.flaws(of: $0, in: schema, at: place + "[]") }
        }
        guard let members = example.mapping else { return [] }
        let properties = try parts.flatMap { try $0.value("properties")?.entries() ?? [] }
        let required = parts.flatMap { $0.node["required"]?.sequence?.compactMap(\.scalar) ?? [] }
        var flaws = required.filter { example[$0] == nil }.map { "lacks \(place).\($0)" }
        for (key, value) in members {
            if let property = properties.first(where: { $0.key == key })?.value {
                flaws += try Self.flaws(of: value, in: property.resolved(), at: "\(place).\(key)")
            } else if !properties.isEmpty, !parts.contains(where: { $0.node["additionalProperties"]?.mapping != nil }) {
                flaws.append("has \(place).\(key)")
            }
        }
        return flaws
    }

    @Test(arguments: [
        ("operationId: a.b", "operationId: a b", "GET /v1/a/{id}"),
        ("operationId: a.b", "summary: s", "'operationId' is missing"),
        ("kind: query", "kind: quest", "'kind' is 'quest'; accepted: query, command, durable"),
        ("role: public", "role: guest", "'role' is 'guest'"),
        (", role: public", "", "lacks 'role'"),
        ("deadline: 3", "deadline: 0", "'deadline' must be a number from 1 to 60"),
        ("deadline: 3", "deadlin: 3", "'x-wharf' has no 'deadlin'"),
        ("deadline: 3", "idempotencyKey: required", "needs the header parameter 'Idempotency-Key'"),
        ("deadline: 3", "answer: accepted", "needs 'kind: durable'"),
        ("deadline: 3", "signature: stripe", "needs the header parameter 'stripe-signature'"),
        ("deadline: 3", "wait: a.c", "needs the header parameter 'Prefer'"),
        ("name: id", "name: ID", "the path's templates are not its path parameters"),
        ("in: query", "in: cookie", "is in 'cookie'"),
        ("x, in: query", "X-Custom, in: header", "'X-Custom' is none that the ingress knows"),
        ("/v1/b/{id}", "/v1/a/{name}", "GET /v1/a/{name}"),
        ("a.c", "a.b", "'a.b' is used twice"),
        ("3.1.0", "3.0.3", "'openapi' is '3.0.3'"),
        ("get:", "trace:", "TRACE /v1/a/{id}"),
        ("'#/components/parameters/id'", "'#/components/parameters/other'", "leads nowhere"),
        ("'#/components/parameters/id'", "'other.yaml#/id'", "leads out of the document"),
        ("openapi:", "openapi: [", "is not YAML"),
    ])
    func `a document that is not a routing table is rejected with the place`(text: String, replacement: String, complaint: String) throws {
        let range = try #require(Self.document.firstRange(of: text))
        let broken = Self.document[..<range.lowerBound] + replacement + Self.document[range.upperBound...]
        let error = #expect(throws: OpenAPIError.self) { try OpenAPIDocument(yaml: Array(broken.utf8), file: "api.yaml") }
        let description = error?.description ?? ""
        #expect(description.hasPrefix("api.yaml"))
        #expect(description.contains(complaint), "\(description)")
    }

    @Test func `a missing document is rejected with its path`() {
        let error = #expect(throws: OpenAPIError.self) { try OpenAPIDocument(path: "/nowhere/openapi.yaml") }
        #expect(error?.description.hasPrefix("/nowhere/openapi.yaml: document: cannot be read") == true)
    }

    @Test func `scalars become JSON as YAML's core schema has them`() throws {
        let yaml = "{a: 1, b: '1', c: true, d: 'true', e: null, f: 1.5, g: yes, h: \"x\\n\\\"\", i: [], j: nan, k: -1, l: W-000042}"
        let node = try #require(try YAMLReader.read(Array(yaml.utf8)))
        #expect(
            JSONText.text(of: node)
                == #"{"a":1,"b":"1","c":true,"d":"true","e":null,"f":1.5,"g":"yes","h":"x\n\"","i":[],"j":"nan","k":-1,"l":"W-000042"}"#)
    }

    private static let document = """
        openapi: 3.1.0
        info: {title: T, version: '1'}
        paths:
          /v1/a/{id}:
            parameters:
              - $ref: '#/components/parameters/id'
            get:
              operationId: a.b
              x-wharf: {kind: query, role: public, deadline: 3}
              parameters:
                - {name: x, in: query}
              responses: {'200': {description: D}}
          /v1/b/{id}:
            parameters:
              - $ref: '#/components/parameters/id'
            get:
              operationId: a.c
              x-wharf: {kind: query, role: public}
              responses: {'200': {description: D}}
        components:
          parameters:
            id: {name: id, in: path}
        """

    private static let contract: Set<String> = [
        "POST /v1/users users.accounts.create command public",
        "POST /v1/sessions users.sessions.create command public",
        "GET /v1/sessions users.sessions.list query customer",
        "DELETE /v1/sessions/current users.sessions.deleteCurrent command customer",
        "DELETE /v1/sessions users.sessions.deleteAll command customer",
        "DELETE /v1/sessions/{id} users.sessions.delete command customer",
        "GET /v1/users users.accounts.list query admin",
        "GET /v1/users/{id} users.accounts.get query admin",
        "PATCH /v1/users/{id} users.accounts.update command admin",
        "GET /v1/users/me users.me.get query customer",
        "PATCH /v1/users/me users.me.update command customer",
        "PUT /v1/users/me/password users.password.change command customer",
        "PUT /v1/users/me/email users.email.change command customer",
        "GET /v1/users/me/addresses users.addresses.list query customer",
        "POST /v1/users/me/addresses users.addresses.create command customer",
        "GET /v1/users/me/addresses/{id} users.addresses.get query customer",
        "PUT /v1/users/me/addresses/{id} users.addresses.replace command customer",
        "DELETE /v1/users/me/addresses/{id} users.addresses.delete command customer",
        "POST /v1/email-verifications users.emailVerifications.create command customer",
        "POST /v1/email-verifications/{token} users.emailVerifications.confirm command public",
        "POST /v1/password-resets users.passwordResets.create command public",
        "POST /v1/password-resets/{token} users.passwordResets.confirm command public",
        "GET /v1/products catalog.products.list query public",
        "GET /v1/products/{idOrSlug} catalog.products.get query public",
        "DELETE /v1/users/me users.me.delete command customer",
        "GET /v1/users/me/export users.me.export query customer",
        "POST /v1/imports catalog.imports.create durable admin",
        "GET /v1/imports catalog.imports.list query admin",
        "GET /v1/imports/{id} catalog.imports.get query admin",
        "GET /v1/imports/{id}/events catalog.imports.events query admin",
        "GET /v1/imports/{id}/rejected catalog.imports.rejected query admin",
        "GET /v1/exports/products catalog.products.export query admin",
        "POST /v1/products catalog.products.create command admin",
        "PATCH /v1/products/{idOrSlug} catalog.products.update command admin",
        "DELETE /v1/products/{idOrSlug} catalog.products.archive command admin",
        "GET /v1/products/suggestions catalog.products.suggest query public",
        "GET /v1/synonyms catalog.synonyms.get query admin",
        "PUT /v1/synonyms catalog.synonyms.put command admin",
        "GET /v1/categories catalog.categories.list query public",
        "GET /v1/categories/{slug} catalog.categories.get query public",
        "POST /v1/categories catalog.categories.create command admin",
        "PATCH /v1/categories/{slug} catalog.categories.update command admin",
        "DELETE /v1/categories/{slug} catalog.categories.delete command admin",
        "GET /v1/stock/{sku}/movements catalog.stock.movements query admin",
        "GET /v1/stock/{sku}/reservations catalog.stock.reservations query admin",
        "GET /v1/stock/{sku} catalog.stock.get query admin",
        "PUT /v1/stock/{sku} catalog.stock.set command admin",
        "POST /v1/stock/{sku}/adjustments catalog.stock.adjust command admin",
        "POST /v1/carts carts.carts.create command public",
        "GET /v1/carts/current carts.carts.current query customer",
        "GET /v1/carts/{id} carts.carts.get query public",
        "DELETE /v1/carts/{id} carts.carts.delete command public",
        "PUT /v1/carts/{id}/items/{sku} carts.items.put command public",
        "DELETE /v1/carts/{id}/items/{sku} carts.items.delete command public",
        "POST /v1/carts/{id}/claim carts.carts.claim command customer",
        "POST /v1/checkouts carts.checkouts.create durable public",
        "GET /v1/orders orders.orders.list query customer",
        "GET /v1/orders/{id} orders.orders.get query public",
        "GET /v1/orders/{id}/events orders.orders.events query public",
        "GET /v1/orders/{id}/invoice orders.invoices.get query public",
        "POST /v1/orders/{id}/notes orders.notes.create command admin", "GET /v1/orders/{id}/notes orders.notes.list query admin",
        "GET /v1/checkouts orders.checkouts.list query admin", "GET /v1/checkouts/{id} orders.checkouts.get query admin",
        "POST /v1/checkouts/{id}/retry orders.checkouts.retry durable admin", "POST /v1/checkouts/{id}/compensation orders.checkouts.compensate durable admin",
        "PUT /v1/checkouts/{id}/assignment orders.checkouts.assign command admin",
        "POST /v1/orders/{id}/cancellation orders.orders.cancel durable public",
        "POST /v1/orders/{id}/shipments orders.shipments.create durable admin",
        "POST /v1/orders/{id}/delivery orders.orders.deliver durable admin",
        "POST /v1/orders/{id}/returns orders.returns.create durable public",
        "POST /v1/returns/{id}/approval orders.returns.approve durable admin",
        "POST /v1/returns/{id}/rejection orders.returns.refuse durable admin",
        "POST /v1/returns/{id}/receipt orders.returns.receive durable admin",
        "POST /v1/orders/{id}/refunds payments.refunds.create durable admin", "GET /v1/orders/{id}/refunds payments.refunds.list query admin",
        "GET /v1/payment-methods payments.methods.list query customer", "DELETE /v1/payment-methods/{id} payments.methods.delete command customer",
        "GET /v1/payments/unresolved payments.unresolved.list query admin",
        "POST /v1/webhooks/stripe payments.webhooks.stripe durable public", "POST /v1/webhooks/paypal payments.webhooks.paypal durable public",
        "POST /v1/webhooks/twilio notifications.webhooks.twilio durable public",
        "POST /v1/webhooks/sendgrid notifications.webhooks.sendgrid durable public",
        "POST /v1/payments/unresolved/{id}/settlement payments.unresolved.settle command admin",
        "POST /v1/notifications/{id}/resend notifications.notifications.resend command admin",
        "GET /v1/notifications notifications.notifications.list query admin",
        "GET /v1/dead-letters deadletters.letters.list query admin",
        "GET /v1/dead-letters/{id} deadletters.letters.get query admin",
        "POST /v1/dead-letters/{id}/replay deadletters.letters.replay durable admin",
        "DELETE /v1/dead-letters/{id} deadletters.letters.discard command admin",
        "POST /v1/dead-letters/{id}/restoration deadletters.letters.restore command admin",
        "GET /v1/dead-letters/jobs deadletters.jobs.list query admin", "POST /v1/dead-letters/jobs deadletters.jobs.start durable admin",
        "GET /v1/dead-letters/jobs/{id} deadletters.jobs.get query admin", "DELETE /v1/dead-letters/jobs/{id} deadletters.jobs.cancel command admin",
        "POST /v1/dead-letters/jobs/{id}/resumption deadletters.jobs.resume command admin",
        "PUT /v1/dead-letters/{id}/edit deadletters.letters.edit command admin",
        "DELETE /v1/dead-letters/{id}/edit deadletters.letters.revert command admin",
        "POST /v1/dead-letters deadletters.letters.import command admin",
        "GET /v1/dead-letters/stats deadletters.stats.get query admin",
        "GET /v1/dead-letters/waiting deadletters.waiting.list query admin",
        "POST /v1/dead-letters/waiting/attempts deadletters.waiting.send durable admin",
        "GET /v1/dead-letters/audit deadletters.audit.list query admin",
        "GET /v1/dead-letters/groups deadletters.groups.list query admin",
        "PATCH /v1/dead-letters/groups/{id} deadletters.groups.change command admin",
    ]
}
