import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// The tree of categories, as customers see it and administrators change it.
struct Categories: Sendable {
    func list(_ items: [IncomingMessage<Void>], on connection: any SQLConnection) async throws -> [Outcome] {
        let reply = try Reply(json: try await CategoryStore.all(on: connection).tree)
        return items.map { _ in .done(reply) }
    }

    func get(_ items: [IncomingMessage<String>], on connection: any SQLConnection) async throws -> [Outcome] {
        let shelf = try await CategoryStore.all(on: connection)
        return try items.map { item in
            guard let category = shelf[item.input] else { return .refused(.notFound("category")) }
            return .done(try Reply(tagged: shelf.view(of: category)))
        }
    }

    func create(_ items: [IncomingMessage<NewCategory>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await changing(items, on: transaction) { new, shelf in
            if shelf.bySlug.count >= Category.maximumCount {
                return .refused(.conflict("too-many-categories", "There are \(Category.maximumCount) categories already."))
            }
            if let slug = new.slug, shelf[slug] != nil { return .refused(.conflict("category-exists", "There is a category '\(slug)' already.")) }
            if let parent = new.parent, shelf[parent] == nil { return .refused(.noParent) }
            let category = Category(slug: new.slug ?? shelf.freeSlug(new.generatedSlug), name: new.name, parent: new.parent)
            shelf[category.slug] = category
            try await CategoryStore.insert(category, on: transaction)
            return .done(
                try Reply(
                    status: 201, headers: ["location": "/v1/categories/\(category.slug)"], tagged: shelf.view(of: category)))
        }
    }

    func update(_ items: [IncomingMessage<CategoryChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await changing(items, on: transaction) { change, shelf in
            guard var category = shelf[change.slug] else { return .refused(.notFound("category")) }
            guard try matches(change.ifMatch, category, shelf) else { return .refused(.changed("The category has")) }
            category.name = change.name ?? category.name
            if case .some(let parent) = change.parent {
                if let parent, shelf[parent] == nil { return .refused(.noParent) }
                if let parent, shelf.isInside(parent, category.slug) {
                    return .refused(.conflict("category-circle", "'\(parent)' is '\(category.slug)', or is inside it."))
                }
                category.parent = parent
            }
            if category != shelf[change.slug] { try await CategoryStore.update(category, on: transaction) }
            shelf[category.slug] = category
            return .done(try Reply(tagged: shelf.view(of: category)))
        }
    }

    func delete(_ items: [IncomingMessage<CategoryDeletion>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await changing(items, on: transaction) { deletion, shelf in
            let slug = deletion.slug
            guard let category = shelf[slug] else { return .refused(.notFound("category")) }
            guard try matches(deletion.ifMatch, category, shelf) else { return .refused(.changed("The category has")) }
            if shelf.hasChildren(slug) { return .refused(.categoryInUse("There are categories in it.")) }
            if try await CategoryStore.hasProducts(slug, on: transaction) { return .refused(.categoryInUse("There are products in it.")) }
            shelf[slug] = nil
            try await CategoryStore.delete(slug, on: transaction)
            return .done(.noContent)
        }
    }

    /// Whether a change with this `If-Match` is based on the current state of the category and of all that is in it.
    private func matches(_ ifMatch: EntityTags?, _ category: Category, _ shelf: CategoryShelf) throws -> Bool {
        try ifMatch?.match(Reply.entityTag(of: JSON.encode(shelf.view(of: category)))) ?? true
    }

    /// Serialised under the lock that product changes take, so that no product enters a category that is being removed.
    private func changing<Input>(
        _ items: [IncomingMessage<Input>], on transaction: any SQLConnection, _ change: (Input, inout CategoryShelf) async throws -> Outcome
    ) async throws -> [Outcome] {
        try await ProductStore.lock(on: transaction)
        var shelf = try await CategoryStore.all(on: transaction)
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try await change(item.input, &shelf)) }
        return outcomes
    }
}

extension Problem {
    fileprivate static let noParent = Problem.invalidInput("parent", "there is no such category")

    fileprivate static func categoryInUse(_ detail: String) -> Problem { .conflict("category-in-use", detail) }
}
