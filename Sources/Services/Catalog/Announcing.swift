import Contracts
import Messaging
import PostgreSQL

/// The event `product.changed`: what was read before is no longer what the catalog answers.
private struct CatalogChanged: Encodable {
    let service = CatalogService.name
}

func catalogChange() throws -> OutgoingMessage { try OutgoingMessage(.broadcast(MessageName.catalogChanged), CatalogChanged()) }

/// The same handler, which broadcasts each of its changes for those who keep answers. Stock that orders reserve is not broadcast: it changes all the time.
func announcing<Input>(
    _ handle: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome]
) -> @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome] {
    { items, transaction in
        let change = try catalogChange()
        return try await handle(items, transaction).map { outcome in
            if case .done(let reply, _, _) = outcome, (reply?.status ?? 200) < 300 { outcome.emitting([change]) } else { outcome }
        }
    }
}
