"""The ``graphql`` source: IMDb's GraphQL API."""

from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint
from infrastructure.scrapers.imdb_graphql.person_source import ImdbGraphqlPeople
from infrastructure.scrapers.imdb_graphql.source import ImdbGraphqlSource

__all__ = ["Endpoint", "ImdbGraphqlPeople", "ImdbGraphqlSource"]
