import FoundationEssentials
import Input
import Messaging

struct NewCategory: Sendable {
    let name: String
    /// Nil to have one generated.
    let slug: String?
    let parent: String?

    static func read(_ request: Request) throws -> NewCategory {
        try Fields.read(request) { fields in
            NewCategory(
                name: fields.text("name", 1...Category.maximumNameLength), slug: fields.slug(),
                parent: fields.optionalText("parent", 1...Category.maximumNameLength))
        }
    }

    var generatedSlug: String {
        let slug = name.slug
        return slug.isSlug ? slug : ["category", slug].filter { !$0.isEmpty }.joined(separator: "-")
    }
}

/// A merge patch: nil leaves a field as it is; null for `parent` moves the category to the top level.
struct CategoryChange: Sendable {
    let slug: String
    let name: String?
    let parent: String??
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> CategoryChange {
        try Fields.read(request) { fields in
            fields.refuseNull("name")
            let change = CategoryChange(
                slug: fields.parameter("slug", 1...Category.maximumNameLength),
                name: fields.optionalText("name", 1...Category.maximumNameLength),
                parent: fields.clears("parent")
                    ? .some(nil) : fields.optionalText("parent", 1...Category.maximumNameLength).map(Optional.some),
                ifMatch: fields.ifMatch())
            if change.name == nil, change.parent == nil, fields.errors.isEmpty { fields.note("body", "names no field to change") }
            return change
        }
    }

    static func readSlug(_ request: Request) throws -> String {
        try Fields.read(request) { $0.parameter("slug", 1...Category.maximumNameLength) }
    }
}

struct CategoryDeletion: Sendable {
    let slug: String
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> CategoryDeletion {
        try Fields.read(request) { CategoryDeletion(slug: $0.parameter("slug", 1...Category.maximumNameLength), ifMatch: $0.ifMatch()) }
    }
}
